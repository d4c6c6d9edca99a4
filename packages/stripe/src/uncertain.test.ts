import { memoryOutbox } from '@token-meter/core'
import type { Sink, SinkResult } from '@token-meter/core/sink'
import { type Fault, exampleRecord, startFakeStripe } from '@token-meter/testkit'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from './stripe-sink.ts'
import type { StripeApi } from './options.ts'

const hour = 60 * 60_000
const never = new AbortController().signal
const always = { times: Infinity }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-21T10:00:00Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** A fake Stripe, a sink on it, and an outbox with one record of three events. */
async function start(api: StripeApi = 'v2') {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  const outbox = memoryOutbox()
  const record = exampleRecord({ id: 'r0', at: Date.now() })
  void outbox.append([record])
  const { apiKey, url: baseUrl } = fake
  const own = (timeoutMs = 300) => stripeSink({ apiKey, baseUrl, timeoutMs, api })
  /** Claims, sends and settles what is due. */
  const attempt = async (sink: Sink = own()): Promise<SinkResult | undefined> => {
    const batch = await outbox.claim('stripe', { limit: 100, leaseMs: 1000 })
    if (batch === undefined) return undefined
    const results = await sink.send(batch, never)
    await outbox.settle(batch, results)
    return results[0]
  }
  return { fake, outbox, attempt, own }
}

const faults: readonly (readonly [string, Fault])[] = [
  ['a connection cut', { connection: 'reset', processed: true }],
  ['no answer', { connection: 'hang', processed: true }],
  ['a 500', { status: 500, processed: true }],
  ['an answer of something else', { status: 200, body: { ok: true }, processed: true }],
]
const paths = { v1: '/meter_events', v2: '/meter_events', stream: '/meter_event_stream' }
const lost = (['v1', 'v2', 'stream'] as const).flatMap((api) =>
  faults.map(([name, fault]) => [api, name, fault] as const),
)

test.each(lost)(
  '%s: %s after the effect, then 25 hours of silence: not billed twice',
  async (api, _, fault) => {
    const { fake, outbox, attempt } = await start(api)
    fake.failWith(fault, { ...always, to: paths[api] })
    expect(await attempt()).toMatchObject({ status: 'retry', uncertain: true })
    expect(fake.meterEvents).toHaveLength(3)
    const requests = fake.requests.length
    fake.recover()
    passTime(25 * hour)
    expect(await attempt()).toMatchObject({ status: 'rejected' })
    expect(fake.requests).toHaveLength(requests)
    expect(fake.meterEvents).toHaveLength(3)
    const reason = expect.stringMatching(
      /^input, cached_input, output: .*unknown since 2026-11-21T10:00:00\.000Z.*24 hours.*requeue/,
    )
    expect(await outbox.deadLetters('stripe')).toMatchObject([
      { record: { id: 'r0' }, reason, code: 'uncertain', since: expect.any(Number) },
    ])
  },
)

test.each(lost)(
  '%s: %s after the effect, then 22 hours of silence: billed once',
  async (api, _, fault) => {
    const { fake, outbox, attempt } = await start(api)
    fake.failWith(fault, { ...always, to: paths[api] })
    await attempt()
    fake.recover()
    passTime(22 * hour)
    expect(await attempt()).toMatchObject({ status: 'accepted' })
    expect(fake.meterEvents).toHaveLength(3)
    expect(await outbox.stats('stripe')).toMatchObject({ delivered: 1, dead: 0 })
  },
)

test.each([401, 403, 409, 429])('a day of %i, then none: billed once', async (status) => {
  const { fake, attempt } = await start()
  fake.failWith({ status }, always)
  for (let turn = 0; turn < 5; turn++) {
    expect(await attempt()).toMatchObject({ status: 'retry' })
    passTime(5 * hour)
  }
  fake.recover()
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.meterEvents).toHaveLength(3)
})

test('a day without a connection, then one: billed once', async () => {
  const { fake, attempt } = await start()
  const down = await startFakeStripe()
  await down.close()
  const { apiKey, url, host, port } = down
  const clients = [
    stripeSink({ apiKey, baseUrl: url }),
    stripeSink({ stripe: new Stripe(apiKey, { host, port, protocol: 'http' }) }),
    stripeSink({ apiKey, baseUrl: 'http://no-such-host.invalid' }),
  ]
  for (const sink of clients) {
    const result = await attempt(sink)
    expect(result).toMatchObject({ status: 'retry' })
    expect(result).not.toHaveProperty('uncertain')
    passTime(9 * hour)
  }
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  expect(fake.meterEvents).toHaveLength(3)
})

test('only what is not known to have arrived becomes a dead letter, and requeue sends only that', async () => {
  const { fake, outbox, attempt } = await start()
  fake.failWith({ connection: 'reset' }, { ...always, matching: 'r0:output' })
  await attempt()
  expect(fake.meterEvents).toHaveLength(2)
  fake.recover()
  passTime(25 * hour)
  await attempt()
  expect(await outbox.deadLetters('stripe')).toMatchObject([
    { reason: expect.stringMatching(/^output: Whether/) },
  ])
  await outbox.requeue('stripe')
  expect(await attempt()).toMatchObject({ status: 'accepted' })
  const billed = fake.meterEvents.map(({ identifier }) => identifier)
  expect(billed.toSorted()).toEqual(['r0:cached_input', 'r0:input', 'r0:output'])
})

test('killed after the send, found 25 hours later: not billed twice', async () => {
  const { fake, outbox, attempt, own } = await start()
  const batch = await outbox.claim('stripe', { limit: 100, leaseMs: 1000 })
  if (batch !== undefined) await own().send(batch, never)
  expect(fake.meterEvents).toHaveLength(3)
  passTime(25 * hour)
  expect(await attempt()).toMatchObject({ status: 'rejected' })
  expect(fake.meterEvents).toHaveLength(3)
})

test('what stripe-node repeated by itself is uncertain, whatever the last answer was', async () => {
  const { fake, attempt } = await start()
  const { apiKey, host, port } = fake
  const sink = stripeSink({ stripe: new Stripe(apiKey, { host, port, protocol: 'http' }) })
  fake.failWith({ connection: 'reset', processed: true })
  fake.failWith({ status: 429 }, always)
  expect(await attempt(sink)).toMatchObject({ status: 'retry', uncertain: true })
})
