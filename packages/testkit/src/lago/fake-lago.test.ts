import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FakeLagoOptions } from './fake-lago-options.ts'
import { startFakeLago, type FakeLago } from './fake-lago.ts'

let now = Date.parse('2026-11-21T10:00:00Z')
let lago: FakeLago
const restart = async (options: FakeLagoOptions = {}) => {
  await lago?.close()
  lago = await startFakeLago({ now: () => now, ...options })
}
beforeEach(() => restart())
afterEach(() => lago.close())

function event(changes: Record<string, unknown> = {}) {
  return {
    transaction_id: 'r1',
    external_subscription_id: 'sub_1',
    code: 'llm',
    timestamp: '1795256430.456',
    properties: { model: 'm', input_tokens: 5, response_cost: '0.1' },
    ...changes,
  }
}

async function call(path: string, init: RequestInit = {}, key = lago.apiKey) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const response = await fetch(`${lago.url}/api/v1${path}`, { headers, ...init })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
const post = (path: string, body: unknown, key?: string) =>
  call(path, { method: 'POST', body: JSON.stringify(body) }, key)
const batch = (...events: unknown[]) => post('/events/batch', { events })
const invalid = (details: object) => ({
  status: 422,
  body: {
    status: 422,
    error: 'Unprocessable Entity',
    code: 'validation_errors',
    error_details: details,
  },
})

test('a batch is echoed, kept and billed', async () => {
  const { status, body } = await batch(event(), event({ transaction_id: 'r2' }))
  expect(status).toBe(200)
  expect(body.events).toMatchObject([
    { transaction_id: 'r1', lago_customer_id: null, timestamp: '2026-11-21T10:20:30.456Z' },
    { transaction_id: 'r2', external_subscription_id: 'sub_1', code: 'llm' },
  ])
  expect(lago.events).toMatchObject([event(), event({ transaction_id: 'r2' })])
  const row = { customer: 'sub_1', model: 'm' }
  expect(lago.billed()).toEqual([{ ...row, code: 'llm', tokenType: 'input', value: 10 }])
  expect(lago.costs()).toEqual([{ ...row, cost: '0.2', cents: '0' }])
})

test('one event has an answer of its own', async () => {
  const { status, body } = await post('/events', { event: event() })
  expect(status).toBe(200)
  expect(body.event).toMatchObject({ transaction_id: 'r1' })
  expect(await post('/events', { event: event() })).toMatchObject(
    invalid({ transaction_id: ['value_already_exist'] }),
  )
  expect(await post('/events', {})).toMatchObject({ status: 422 })
})

test('the batch is refused as a whole, with what is wrong by place', async () => {
  const answer = await batch(
    event(),
    event({ transaction_id: ' ', code: undefined }),
    event({ timestamp: '2026-11-21' }),
    null,
  )
  expect(answer).toMatchObject(
    invalid({
      1: { transaction_id: ['value_is_mandatory'], code: ['value_is_mandatory'] },
      2: { timestamp: ['invalid_format'] },
      3: { external_subscription_id: ['value_is_mandatory'] },
    }),
  )
  expect(Object.keys(answer.body.error_details)).toEqual(['1', '2', '3'])
  expect(lago.events).toEqual([])
})

test('a batch has 1 to 100 events', async () => {
  expect(await batch()).toMatchObject(invalid({ events: ['no_events'] }))
  expect(await post('/events/batch', {})).toMatchObject(invalid({ events: ['no_events'] }))
  const many = Array.from({ length: 101 }, (_, index) => event({ transaction_id: `r${index}` }))
  expect(await batch(...many)).toMatchObject(invalid({ events: ['too_many_events'] }))
  expect((await batch(...many.slice(1))).status).toBe(200)
})

test('Postgres: the id of a subscription is there once, whatever else the event says', async () => {
  await batch(event())
  const duplicate = { transaction_id: ['value_already_exist'] }
  const fresh = event({ transaction_id: 'r2' })
  expect(await batch(fresh, event({ timestamp: 1 }))).toMatchObject(invalid({ 1: duplicate }))
  expect(lago.events).toHaveLength(1)
  expect((await batch(event({ external_subscription_id: 'sub_2' }))).status).toBe(200)
  await restart({ keepsNeighbours: true })
  await batch(event())
  expect(await batch(fresh, event())).toMatchObject(invalid({ 1: duplicate }))
  expect(lago.events.map((each) => each.transaction_id)).toEqual(['r1', 'r2'])
})

test('ClickHouse: the same id and time replaces, another time is another event', async () => {
  await restart({ store: 'clickhouse' })
  await batch(event())
  expect((await batch(event({ properties: { model: 'm', input_tokens: 7 } }))).status).toBe(200)
  expect(lago.billed()).toMatchObject([{ value: 7 }])
  await batch(event({ timestamp: '1795256430.457' }))
  expect(lago.billed()).toMatchObject([{ value: 12 }])
})

test('the expression of a metric refuses with a text by place', async () => {
  await restart({ expression: ({ code }) => (code === 'bad' ? 'no rate' : undefined) })
  expect(await batch(event(), event({ code: 'bad' }))).toMatchObject(invalid({ 1: 'no rate' }))
})

test('text that Postgres cannot keep is a 500', async () => {
  expect((await batch(event({ properties: { a: '\0' } }))).status).toBe(500)
  expect((await batch(event({ properties: { a: '\ud800' } }))).status).toBe(500)
  expect((await batch(event({ properties: { a: '😀' } }))).status).toBe(200)
})

test('unknown codes and subscriptions are kept, and billed once there are such', async () => {
  await restart({ billableMetrics: [], subscriptions: [] })
  expect((await batch(event())).status).toBe(200)
  expect(lago.billed()).toEqual([])
  lago.addBillableMetric('llm')
  expect(lago.billed()).toEqual([])
  lago.addSubscription('sub_1')
  expect(lago.billed()).toHaveLength(1)
})

test('what is no number in digits is not summed up', async () => {
  await batch(event({ properties: { model: 'm', input_tokens: '1e3', response_cost: 1e-7 } }))
  await batch(
    event({
      transaction_id: 'r2',
      precise_total_amount_cents: '0.5',
      properties: { model: 'm', token_type: 'output', value: '3' },
    }),
  )
  expect(lago.billed()).toMatchObject([{ tokenType: 'output', value: 3 }])
  expect(lago.costs()).toMatchObject([{ cost: '0', cents: '0.5' }])
})

test('negative numbers take usage back', async () => {
  await batch(event())
  const properties = { model: 'm', input_tokens: -5, response_cost: '-0.1' }
  await batch(event({ transaction_id: 'r1:cancelled', properties }))
  expect(lago.billed()).toEqual([])
  expect(lago.costs()).toMatchObject([{ cost: '0' }])
})

test('keys, permissions and addresses', async () => {
  expect(await post('/events/batch', { events: [event()] }, 'other')).toMatchObject({
    status: 401,
    body: { status: 401, error: 'Unauthorized' },
  })
  expect(await call('/nothing')).toMatchObject({ status: 404 })
  expect(await call('/events/batch/more', { method: 'POST' })).toMatchObject({ status: 404 })
  expect((await fetch(`${lago.url}/events/batch`, { method: 'POST' })).status).toBe(404)
  await restart({ mayWriteEvents: false, mayRead: false })
  expect(await batch(event())).toMatchObject({
    status: 403,
    body: { code: 'write_action_not_allowed_for_event' },
  })
  expect(await call('/billable_metrics/llm')).toMatchObject({
    status: 403,
    body: { code: 'read_action_not_allowed_for_billable_metric' },
  })
})

test('billable metrics and subscriptions can be asked for', async () => {
  await restart({
    billableMetrics: ['a b'],
    subscriptions: ['sub_1'],
    terminatedSubscriptions: ['sub_0'],
  })
  expect((await call('/billable_metrics/a%20b')).status).toBe(200)
  expect(await call('/billable_metrics/c')).toMatchObject({
    status: 404,
    body: { code: 'billable_metric_not_found' },
  })
  expect((await call('/subscriptions/sub_1')).status).toBe(200)
  expect((await call('/subscriptions/sub_0')).body).toMatchObject({
    code: 'subscription_not_found',
  })
  expect((await call('/subscriptions/sub_0?status=terminated')).status).toBe(200)
})

test('over its rate it says when the window ends', async () => {
  await restart({ requestsPerSecond: 1 })
  expect((await batch(event())).status).toBe(200)
  const { status, headers } = await batch(event())
  expect(status).toBe(429)
  expect(headers.get('x-ratelimit-reset')).toBe('1')
  now += 1000
  expect((await batch(event({ transaction_id: 'r2' }))).status).toBe(200)
})

test('faults: with effect and without', async () => {
  lago.failWith({ status: 503 })
  expect(await batch(event())).toMatchObject({ status: 503 })
  expect(lago.events).toEqual([])
  lago.failWith({ status: 500, processed: true })
  await batch(event())
  expect(lago.events).toHaveLength(1)
  lago.failWith({ connection: 'reset' }, { times: Infinity })
  await expect(batch(event())).rejects.toThrow()
  lago.recover()
  expect((await batch(event())).status).toBe(422)
  expect(lago.requests.map(({ status }) => status)).toEqual([503, 500, undefined, 422])
})
