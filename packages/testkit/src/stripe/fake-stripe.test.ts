import { afterEach, beforeEach, expect, test } from 'vitest'
import { stripeOpenApi } from '../internal/shared-folder.ts'
import type { FakeStripeOptions } from './fake-stripe-options.ts'
import { startFakeStripe, type FakeStripe } from './fake-stripe.ts'

const start = Date.parse('2026-11-21T00:00:00Z')
const hour = 3_600_000
let now = start
let stripe: FakeStripe
beforeEach(async () => {
  now = start
  stripe = await startFakeStripe({ now: () => now })
})
afterEach(() => stripe.close())

async function restart(options: FakeStripeOptions) {
  await stripe.close()
  stripe = await startFakeStripe({ now: () => now, ...options })
}

function meterEvent(changes: Record<string, unknown> = {}) {
  return {
    event_name: 'tokens',
    identifier: 'r1:input',
    timestamp: new Date(start).toISOString(),
    payload: {
      stripe_customer_id: 'cus_1',
      value: '5',
      model: 'openai/gpt-5.4',
      token_type: 'input',
    },
    ...changes,
  }
}

const payload = (changes: Record<string, unknown>) => ({
  payload: { ...meterEvent().payload, ...changes },
})

async function post(body: unknown, headers: Record<string, string> = {}, path = '/v2') {
  const response = await fetch(`${stripe.url}${path}/billing/meter_events`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: {
      authorization: `Bearer ${stripe.apiKey}`,
      'content-type': 'application/json',
      'stripe-version': '2026-10-28.endive',
      ...headers,
    },
  })
  const text = await response.text()
  const answer = text.startsWith('{') ? JSON.parse(text) : text
  return { status: response.status, headers: response.headers, text, answer }
}

const key = (value: string) => ({ 'idempotency-key': value })

test('an event is echoed, logged and billed', async () => {
  const { status, answer } = await post(meterEvent(), key('r1:input'))
  expect(status).toBe(200)
  expect(answer).toMatchObject({ object: 'v2.billing.meter_event', ...meterEvent() })
  expect(stripe.requests).toMatchObject([{ path: '/v2/billing/meter_events', status: 200 }])
  await post(meterEvent({ identifier: 'r2:input' }))
  expect(stripe.billed()).toEqual([
    {
      customer: 'cus_1',
      eventName: 'tokens',
      model: 'openai/gpt-5.4',
      tokenType: 'input',
      value: 10,
    },
  ])
})

test('v1 takes forms and unix seconds, and has its own words for a duplicate', async () => {
  const form = new URLSearchParams({
    event_name: 'tokens',
    identifier: 'x',
    timestamp: String(start / 1000),
    'payload[stripe_customer_id]': 'cus_1',
    'payload[value]': '15',
  }).toString()
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  expect((await post(form, type, '/v1')).answer).toMatchObject({ timestamp: start / 1000 })
  const again = await post(form, type, '/v1')
  expect(again.status).toBe(400)
  expect(again.headers.get('stripe-should-retry')).toBe('false')
  expect(again.answer.error).toEqual({
    type: 'invalid_request_error',
    message: 'An event already exists with identifier x.',
  })
})

test('keys: unknown is 401, without the permission is 403', async () => {
  expect((await post(meterEvent(), { authorization: 'Bearer rk_wrong' })).status).toBe(401)
  await restart({ mayWriteMeterEvents: false })
  const { status, answer } = await post(meterEvent())
  expect(status).toBe(403)
  expect(answer.error.message).toContain('Billing meter events: Write')
  expect(stripe.meterEvents).toEqual([])
})

test('the same idempotency key replays the same request and refuses another', async () => {
  const first = await post(meterEvent(), key('k'))
  const again = await post(meterEvent(), key('k'))
  expect(again.status).toBe(200)
  expect(again.text).toBe(first.text)
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  const other = await post(meterEvent({ event_name: 'other' }), key('k'))
  expect(other.status).toBe(400)
  expect(other.answer.error.type).toBe('idempotency_error')
  expect((await post(meterEvent(), key('x'.repeat(256)))).status).toBe(400)
  expect(stripe.meterEvents).toHaveLength(1)
})

test('v1 repeats a refusal under its key, v2 looks again', async () => {
  const meters: string[] = []
  await restart({ meters })
  const form = new URLSearchParams({
    event_name: 'tokens',
    'payload[stripe_customer_id]': 'cus_1',
    'payload[value]': '15',
  }).toString()
  const headers = { ...key('k'), 'content-type': 'application/x-www-form-urlencoded' }
  expect((await post(form, headers, '/v1')).status).toBe(400)
  expect((await post(meterEvent(), key('k'))).status).toBe(400)
  meters.push('tokens')
  const again = await post(form, headers, '/v1')
  expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([400, 'true'])
  expect((await post(form, { ...headers, ...key('k2') }, '/v1')).status).toBe(200)
  expect((await post(meterEvent(), key('k'))).status).toBe(200)
})

test('event summaries are of a meter that exists, and of a customer', async () => {
  await restart({ meters: ['tokens'] })
  const ask = async (id: string, query: string) => {
    const url = `${stripe.url}/v1/billing/meters/${id}/event_summaries?${query}`
    return (await fetch(url, { headers: { authorization: `Bearer ${stripe.apiKey}` } })).status
  }
  const window = `start_time=${start / 1000}&end_time=${start / 1000 + 60}`
  const id = `mtr_${Buffer.from('tokens').toString('hex')}`
  expect(await ask(id, `customer=cus_1&${window}`)).toBe(200)
  expect(await ask(id, `customer=cus_1&limit=101&${window}`)).toBe(400)
  expect(await ask(id, window)).toBe(400)
  expect(await ask(id, `customer=cus_1&start_time=1&end_time=60`)).toBe(400)
  expect(await ask('mtr_other', `customer=cus_1&${window}`)).toBe(404)
})

test('an identifier is taken for 24 hours, and then bills again', async () => {
  await post(meterEvent(), key('k'))
  now += 23 * hour
  const duplicate = await post(meterEvent(), key('k2'))
  expect(duplicate.status).toBe(400)
  expect(duplicate.answer.error.code).toBe('duplicate_meter_event')
  now += hour
  expect((await post(meterEvent(), key('k'))).status).toBe(200)
  expect(stripe.meterEvents).toHaveLength(2)
})

test.each([
  ['no_meter', { event_name: 'unknown' }],
  ['payload_no_customer_defined', payload({ stripe_customer_id: undefined })],
  ['payload_no_value_defined', payload({ value: undefined })],
  ['payload_invalid_value', payload({ value: '0' })],
  ['payload_invalid_value', payload({ value: '1.5' })],
  ['payload_invalid_value', payload({ value: '1'.repeat(16) })],
  [undefined, { timestamp: new Date(start - 36 * 24 * hour).toISOString() }],
  [undefined, { timestamp: new Date(start + 6 * 60_000).toISOString() }],
  [undefined, { identifier: 'x'.repeat(101) }],
])('a broken rule is refused: %s %j', async (code, changes) => {
  await restart({ meters: ['tokens'] })
  const { status, answer } = await post(meterEvent(changes))
  expect(status).toBe(400)
  expect(answer.error.code).toBe(code)
  expect(stripe.meterEvents).toEqual([])
})

test.skipIf(stripeOpenApi() === undefined).each([
  ['unix seconds', { timestamp: String(start / 1000) }],
  ['a number for a value', payload({ value: 5 })],
  ['a nested payload', payload({ model: { name: 'x' } })],
])("Stripe's API description refuses %s", async (_, changes) => {
  const { status, answer } = await post(meterEvent(changes))
  expect(status).toBe(400)
  expect(answer.error.type).toBe('invalid_request_error')
})

test('one request at a time per customer and event name', async () => {
  // Long enough for a busy machine to begin all of them before the first is answered.
  await restart({ latencyMs: 500 })
  const answers = await Promise.all([
    post(meterEvent({ identifier: 'a' })),
    post(meterEvent({ identifier: 'b' })),
    post({ ...meterEvent({ identifier: 'c' }), ...payload({ stripe_customer_id: 'cus_2' }) }),
    post(meterEvent({ identifier: 'd', event_name: 'other' })),
  ])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 409])
  expect(stripe.concurrency()).toEqual({ inOneLane: 2, inAll: 4 })
})

test('over the rate limit is 429, with the reason', async () => {
  await restart({ requestsPerSecond: 1 })
  await post(meterEvent())
  const limited = await post(meterEvent({ identifier: 'b' }))
  expect(limited.status).toBe(429)
  expect(limited.headers.get('stripe-rate-limited-reason')).toBe('endpoint-rate')
  now += 1001
  expect((await post(meterEvent({ identifier: 'b' }))).status).toBe(200)
})

test('faults: statuses, broken bodies, cut and hanging connections, lost answers', async () => {
  stripe.failWith({ status: 429, headers: { 'retry-after': '3' } }, { skip: 1 })
  expect((await post(meterEvent())).status).toBe(200)
  expect((await post(meterEvent())).headers.get('retry-after')).toBe('3')
  stripe.failWith({ status: 200, body: 'oops' })
  expect((await post(meterEvent())).answer).toBe('oops')
  stripe.failWith({ status: 200, body: '' })
  expect((await post(meterEvent())).text).toBe('')
  stripe.failWith({ connection: 'reset' })
  await expect(post(meterEvent({ identifier: 'b' }))).rejects.toThrow()
  expect(stripe.meterEvents).toHaveLength(1)
  stripe.failWith({ connection: 'reset', processed: true })
  await expect(post(meterEvent({ identifier: 'b' }))).rejects.toThrow()
  expect(stripe.meterEvents).toHaveLength(2)
  stripe.failWith({ status: 500 }, { times: Infinity, matching: 'cus_1' })
  expect((await post(meterEvent())).status).toBe(500)
  stripe.recover()
  expect((await post(meterEvent())).answer.error.code).toBe('duplicate_meter_event')
})

test('a hanging request does not hinder close', async () => {
  stripe.failWith({ connection: 'hang' })
  const hanging = post(meterEvent()).catch(() => 'cut')
  while (stripe.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await stripe.close()
  expect(await hanging).toBe('cut')
})

test('other endpoints are unknown', async () => {
  const response = await fetch(`${stripe.url}/v1/charges`)
  expect(response.status).toBe(404)
})
