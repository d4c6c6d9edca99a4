import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FakeStripeOptions } from './fake-stripe-options.ts'
import { startFakeStripe, type FakeStripe } from './fake-stripe.ts'

const start = Date.parse('2026-11-21T00:00:00Z')
const minute = 60_000
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

async function post(path: string, token: string, body: unknown = {}, key?: string) {
  const response = await fetch(`${stripe.url}/v2/billing/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'stripe-version': '2026-10-28.endive',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  })
  return { status: response.status, answer: await response.json() }
}

async function session(): Promise<string> {
  const { answer } = await post('meter_event_session', stripe.apiKey)
  return answer.authentication_token
}

function event(identifier: string, changes: Record<string, string> = {}) {
  const payload = { stripe_customer_id: 'cus_1', value: '5', ...changes }
  return { event_name: 'tokens', identifier, timestamp: new Date(start).toISOString(), payload }
}

test('a session says how long it is good for, and its events are billed', async () => {
  const { answer } = await post('meter_event_session', stripe.apiKey)
  expect(answer).toMatchObject({
    object: 'v2.billing.meter_event_session',
    created: '2026-11-21T00:00:00.000Z',
    expires_at: '2026-11-21T00:15:00.000Z',
  })
  const token = answer.authentication_token
  const events = [event('a'), event('b')]
  expect(await post('meter_event_stream', token, { events })).toEqual({ status: 200, answer: {} })
  expect(stripe.meterEvents.map(({ api, identifier }) => `${api} ${identifier}`)).toEqual([
    'stream a',
    'stream b',
  ])
  expect(stripe.requestCounts()).toEqual({ session: 1, stream: 1 })
})

test.each([400, 401] as const)('a session that is over is refused with %i', async (status) => {
  await restart({ expiredSessionStatus: status })
  const token = await session()
  now += 15 * minute
  const late = await post('meter_event_stream', token, { events: [event('a')] })
  expect(late.status).toBe(status)
  expect(late.answer.error).toMatchObject({
    type: 'temporary_session_expired',
    code: 'billing_meter_event_session_expired',
  })
  const other = await session()
  stripe.endSessions()
  expect((await post('meter_event_stream', other, { events: [event('a')] })).status).toBe(status)
  expect(stripe.meterEvents).toEqual([])
})

test('the key is for sessions, and the token for the stream', async () => {
  const events = [event('a')]
  expect((await post('meter_event_stream', stripe.apiKey, { events })).status).toBe(401)
  expect((await post('meter_event_session', await session())).status).toBe(401)
  await restart({ mayWriteMeterEvents: false })
  expect((await post('meter_event_session', stripe.apiKey)).status).toBe(403)
})

test.each([
  ['no events', { events: [] }],
  ['more than 100', { events: Array.from({ length: 101 }, (_, index) => event(`${index}`)) }],
  ['something else', { events: [{ identifier: 'a' }] }],
  ['nothing', {}],
])('%s is refused whole', async (_, body) => {
  expect((await post('meter_event_stream', await session(), body)).status).toBe(400)
  expect(stripe.meterEvents).toEqual([])
})

test('what cannot be billed fails afterwards, and the others are billed', async () => {
  await restart({ meters: ['tokens'], customers: ['cus_1'] })
  const events = [
    event('ok'),
    event('a', { stripe_customer_id: 'cus_2' }),
    event('b', { value: '1.5' }),
    { ...event('c'), event_name: 'other' },
    { ...event('d'), timestamp: new Date(start + 6 * minute).toISOString() },
  ]
  expect((await post('meter_event_stream', await session(), { events }, 'k')).status).toBe(200)
  expect(stripe.meterEvents.map(({ identifier }) => identifier)).toEqual(['ok'])
  expect(stripe.failures.map(({ code }) => code)).toEqual([
    'meter_event_customer_not_found',
    'meter_event_invalid_value',
    'no_meter',
    'timestamp_in_future',
  ])
  expect(stripe.failures[0]).toMatchObject({ idempotencyKey: 'k', at: start })
})

test('a duplicate is left out, or refuses the request, as Stripe does not say which', async () => {
  const events = [event('a'), event('b')]
  await post('meter_event_stream', await session(), { events: [event('a')] })
  expect((await post('meter_event_stream', await session(), { events })).status).toBe(200)
  expect(stripe.meterEvents).toHaveLength(2)
  await restart({ streamDuplicates: 'refused' })
  await post('meter_event_stream', await session(), { events: [event('a')] })
  const { status, answer } = await post('meter_event_stream', await session(), { events })
  expect([status, answer.error.code]).toEqual([400, 'duplicate_meter_event'])
  expect(stripe.meterEvents).toHaveLength(1)
})

test('too many at a time is 429, with the reason', async () => {
  await restart({ maxConcurrentRequests: 1, latencyMs: 50 })
  const token = await session()
  const sends = ['a', 'b'].map((id) => post('meter_event_stream', token, { events: [event(id)] }))
  const statuses = (await Promise.all(sends)).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual([200, 429])
})

test('a fault can be for one API alone', async () => {
  stripe.failWith({ status: 500 }, { to: '/meter_event_stream' })
  const token = await session()
  expect((await post('meter_event_stream', token, { events: [event('a')] })).status).toBe(500)
  expect((await post('meter_event_stream', token, { events: [event('a')] })).status).toBe(200)
})
