import {
  type Batch,
  ConfigError,
  type EventOutcome,
  type UsageRecord,
} from '@token-meter/core/sink'
import { type FakeStripe, type FakeStripeOptions, startFakeStripe } from '@token-meter/testkit'
import { exampleRecord } from '@token-meter/testkit/suites'
import Stripe from 'stripe'
import { afterEach, expect, test, vi } from 'vitest'
import { stripeRecordResult, stripeSink } from './stripe-sink.ts'
import type { StripeSinkOptions } from './options.ts'

let fake: FakeStripe | undefined
afterEach(() => fake?.close())

async function start(options: StripeSinkOptions = {}, fakeOptions: FakeStripeOptions = {}) {
  fake = await startFakeStripe(fakeOptions)
  const { apiKey, url } = fake
  return { fake, sink: stripeSink({ apiKey, baseUrl: url, ...options }) }
}

const never = new AbortController().signal

function batch(...changes: Partial<UsageRecord>[]): Batch {
  const entries = changes.map((change, index) => ({
    record: exampleRecord({
      id: `r${index}`,
      tokens: { input: 10, cachedInput: 5, cachedWrite: 0, output: 7 },
      at: Date.now(),
      ...change,
    }),
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
  }))
  return { id: 'b1', sink: 'stripe', lease: 'l1', entries }
}

test('on the wire: the event id is identifier and idempotency key, times are ISO', async () => {
  const { fake, sink } = await start({ stripeAccount: 'acct_1' })
  const at = Date.now()
  await sink.send(batch({ at }, { provider: 'anthropic', model: 'claude-sonnet-4-6', at }), never)
  expect(fake.requests).toHaveLength(6)
  for (const { headers, rawBody } of fake.requests) {
    const body = JSON.parse(rawBody)
    expect(headers['idempotency-key']).toBe(body.identifier)
    expect(headers['stripe-account']).toBe('acct_1')
    expect(body.timestamp).toBe(new Date(at).toISOString())
  }
  const billed = fake
    .billed()
    .map(({ model, tokenType, value }) => `${model} ${tokenType} ${value}`)
  expect(billed.toSorted()).toEqual([
    'anthropic/claude-sonnet-4.6 cached_input 5',
    'anthropic/claude-sonnet-4.6 input 10',
    'anthropic/claude-sonnet-4.6 output 7',
    'openai/gpt-5.4 cached_input 5',
    'openai/gpt-5.4 input 10',
    'openai/gpt-5.4 output 7',
  ])
})

test('200 events of one customer go one at a time, also from two sends at once', async () => {
  const { fake, sink } = await start()
  const tokens = { input: 1, cachedInput: 0, cachedWrite: 0, output: 1 }
  const records = Array.from({ length: 100 }, (_, index) => ({ id: `r${index}`, tokens }))
  const sends = [sink.send(batch(...records.slice(0, 50)), never)]
  sends.push(sink.send(batch(...records.slice(50)), never))
  const results = (await Promise.all(sends)).flat()
  expect(results.every(({ status }) => status === 'accepted')).toBe(true)
  expect(fake.meterEvents).toHaveLength(200)
  expect(fake.requests).toHaveLength(200)
  expect(fake.concurrency()).toEqual({ inOneLane: 1, inAll: 1 })
})

test('customers go side by side, up to the limit, and so do meters', async () => {
  const { fake, sink } = await start({ maxConcurrentRequests: 6 }, { latencyMs: 60 })
  const customers = Array.from({ length: 12 }, (_, index) => ({ customer: `cus_${index}` }))
  await sink.send(batch(...customers), never)
  expect(fake.concurrency()).toEqual({ inOneLane: 1, inAll: 6 })
  await fake.close()
  const byType = await start(
    { eventName: ({ dimensions }) => dimensions.token_type },
    { latencyMs: 60, meters: ['input', 'cached_input', 'output'] },
  )
  await byType.sink.send(batch({}), never)
  expect(byType.fake.concurrency()).toEqual({ inOneLane: 1, inAll: 3 })
  expect(
    byType.fake
      .billed()
      .map(({ eventName }) => eventName)
      .toSorted(),
  ).toEqual(['cached_input', 'input', 'output'])
})

test('an outage and a wrong key cost a few requests, not one per event', async () => {
  const { fake, sink } = await start({ maxConcurrentRequests: 2 })
  const customers = Array.from({ length: 50 }, (_, index) => ({ customer: `cus_${index}` }))
  fake.failWith({ status: 503 }, { times: Infinity })
  const results = await sink.send(batch(...customers), never)
  expect(results.every(({ status }) => status === 'retry')).toBe(true)
  expect(fake.requests.length).toBeLessThanOrEqual(4)
  fake.recover()
  fake.failWith({ status: 401 }, { times: Infinity })
  await sink.send(batch(...customers), never)
  expect(fake.requests.length).toBeLessThanOrEqual(6)
})

test('no request goes over the rate', async () => {
  const { fake, sink } = await start({ requestsPerSecond: 50 })
  const customers = Array.from({ length: 10 }, (_, index) => ({ customer: `cus_${index}` }))
  const began = performance.now()
  await sink.send(batch(...customers), never)
  expect(fake.requests).toHaveLength(30)
  expect(performance.now() - began).toBeGreaterThan(400)
})

test.each([
  ['unknown', {}, 'rk_live_verySECRET123'],
  ['unknown and odd', {}, 'verySECRET123'],
  ['without the permission', { apiKey: 'rk_live_verySECRET123', mayWriteMeterEvents: false }, ''],
])('a key that is %s is in no reason and no log', async (_, fakeOptions, wrongKey) => {
  const logs = (['log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
  const { fake, sink } = await start(wrongKey === '' ? {} : { apiKey: wrongKey }, fakeOptions)
  const results = await sink.send(batch({}), never)
  expect(results).toMatchObject([{ status: 'retry', afterMs: 60_000 }])
  expect(results).toMatchObject([
    { reason: expect.stringContaining('Billing meter events: Write') },
  ])
  expect(fake.requests[0]?.headers.authorization).toContain('verySECRET123')
  expect(JSON.stringify(results)).not.toContain('SECRET')
  for (const log of logs) expect(JSON.stringify(log.mock.calls)).not.toContain('SECRET')
})

test('a duplicate that Stripe confirms is accepted', async () => {
  const { fake, sink } = await start()
  const { apiKey, host, port } = fake
  const stripe = new Stripe(apiKey, { host, port, protocol: 'http' })
  const payload = { stripe_customer_id: 'cus_1', value: '10' }
  const event = { event_name: 'token-billing-tokens', identifier: 'r0:input', payload }
  await stripe.v2.billing.meterEvents.create(event, { idempotencyKey: 'from a backfill' })
  expect(await sink.send(batch({}), never)).toMatchObject([{ status: 'accepted' }])
  expect(fake.requests.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 400])
  expect(fake.meterEvents).toHaveLength(3)
})

test('options changed between two attempts are caught, not billed', async () => {
  const { fake, sink } = await start()
  const sent = batch({})
  await sink.send(sent, never)
  const { apiKey, url } = fake
  const changed = stripeSink({ apiKey, baseUrl: url, tokenTypes: 'input-output' })
  expect(await changed.send(sent, never)).toMatchObject([
    { status: 'rejected', reason: expect.stringContaining('input: Stripe refused it (400') },
  ])
  expect(fake.meterEvents).toHaveLength(3)
})

test('a meter that does not exist, or a name that cannot be made, is a rejection', async () => {
  const { sink } = await start({}, { meters: ['other'] })
  const reason = expect.stringMatching(/no_meter.*Create a meter/)
  expect(await sink.send(batch({}), never)).toMatchObject([{ status: 'rejected', reason }])
  const broken = stripeSink({
    apiKey: 'rk_live_1',
    eventName: () => {
      throw new Error('no such plan')
    },
  })
  expect(await broken.send(batch({}), never)).toMatchObject([
    { status: 'rejected', reason: expect.stringContaining('no such plan') },
  ])
})

test('a record that names nobody is not lost as accepted', async () => {
  const { sink } = await start()
  expect(await sink.send(batch({ customer: null }), never)).toMatchObject([{ status: 'rejected' }])
})

test('the client is one or the other', () => {
  const stripe = new Stripe('rk_live_1')
  expect(() => stripeSink({})).toThrow(/apiKey/)
  expect(() => stripeSink({ stripe, apiKey: 'rk_live_1' })).toThrow(/either stripe, or apiKey/)
  expect(() => stripeSink({ stripe, baseUrl: 'http://x' })).toThrow(ConfigError)
  for (const api of ['v1', 'v2', 'stream'] as const) {
    expect(() => stripeSink({ stripe: {} as Stripe, api })).toThrow(/version 19.3.1 or later/)
  }
  expect(stripeSink({ stripe })).toMatchObject({ name: 'stripe' })
  expect(stripeSink({ stripe, name: 'stripe-eu' })).toMatchObject({ name: 'stripe-eu' })
})

test('a secret key is warned of', () => {
  const onWarning = vi.fn()
  stripeSink({ apiKey: 'sk_live_1', onWarning })
  expect(onWarning).toHaveBeenCalledTimes(1)
})

test.each([
  ['tokens', { tokens: { input: 10 ** 15, cachedInput: 0, cachedWrite: 0, output: 0 } }],
  ['cost', { cost: { currency: 'USD', provider: '1', billed: '1000000000', source: 'prices' } }],
] as const)(
  '%s of more digits than Stripe takes are refused with a code',
  async (value, change) => {
    const { fake, sink } = await start({ value })
    const results = await sink.send(batch(change, {}), never)
    expect(results[0]).toMatchObject({
      status: 'rejected',
      code: 'value_too_many_digits',
      reason: expect.stringMatching(/15 digits/),
    })
    expect(fake.requests.filter(({ rawBody }) => rawBody.includes('r0'))).toEqual([])
  },
)

const accepted: EventOutcome = { status: 'accepted' }
const rejected: EventOutcome = { status: 'rejected', reason: 'bad value' }
const busy: EventOutcome = { status: 'retry', reason: 'busy', afterMs: 5, scope: 'event' }
const events = (...outcomes: EventOutcome[]) =>
  outcomes.map((outcome, index) => ({ id: `r:${index}`, outcome }))

test('only what is the own matter of every event is the own matter of the record', () => {
  const outage: EventOutcome = { status: 'retry', reason: 'down', scope: 'backend' }
  expect(stripeRecordResult(['r:9'], events(accepted, busy))).toEqual({
    status: 'retry',
    reason: 'busy',
    afterMs: 5,
    recordOnly: true,
    deliveredEventIds: ['r:9', 'r:0'],
  })
  expect(stripeRecordResult([], events(busy, outage))).not.toHaveProperty('recordOnly')
})

test('what the events of a record were refused for is said once, with the token types', () => {
  const other: EventOutcome = { status: 'rejected', reason: 'no meter' }
  expect(stripeRecordResult(['r:9'], events(rejected, rejected, other))).toEqual({
    status: 'rejected',
    reason: '0, 1: bad value; 2: no meter',
    deliveredEventIds: ['r:9'],
  })
})
