import type { SinkResult } from '@token-meter/core/sink'
import {
  type FakeStripe,
  type FakeStripeOptions,
  batchOf,
  never,
  recordsOf,
  startFakeStripe,
  statusesOf,
} from '@token-meter/testkit'
import Stripe from 'stripe'
import { expect, onTestFinished, test, vi } from 'vitest'
import { stripeSink } from '../src/stripe-sink.ts'
import type { StripeSinkOptions } from '../src/options.ts'

const hour = 60 * 60_000
const minute = 60_000

const toStream = '/meter_event_stream'
const toSession = '/meter_event_session'
const always = { times: Infinity }

async function start(options: StripeSinkOptions = {}, fakeOptions: FakeStripeOptions = {}) {
  const fake = await startFakeStripe(fakeOptions)
  onTestFinished(() => fake.close())
  const { apiKey, url: baseUrl } = fake
  return { fake, sink: stripeSink({ apiKey, baseUrl, api: 'stream', ...options }) }
}

function eventCounts(fake: FakeStripe): readonly number[] {
  return fake.requests
    .filter(({ path }) => path.endsWith(toStream))
    .map(({ rawBody }) => JSON.parse(rawBody).events.length as number)
}

test('on the wire: 100 events a request, one session, its token, the account', async () => {
  const { fake, sink } = await start({ stripeAccount: 'acct_1' })
  const records = recordsOf(84)
  expect(statusesOf(await sink.send(batchOf(records), never))).toEqual(['accepted'])
  expect(eventCounts(fake).toSorted((a, b) => a - b)).toEqual([52, 100, 100])
  expect(fake.requestCounts()).toEqual({ session: 1, stream: 3 })
  for (const { headers, path } of fake.requests) {
    expect(headers['stripe-account']).toBe('acct_1')
    const isKey = headers.authorization === `Bearer ${fake.apiKey}`
    expect(isKey).toBe(path.endsWith(toSession))
  }
  expect(fake.meterEvents).toHaveLength(252)
  expect(fake.meterEvents[0]).toMatchObject({ identifier: 'r0:input', timestamp: records[0]?.at })
})

test('without a baseUrl events go to meter-events.stripe.com, and sessions to the API', async () => {
  const hosts: string[] = []
  const httpClient = Stripe.createFetchHttpClient(async (input) => {
    const { host, pathname } = new URL(String(input))
    hosts.push(`${host}${pathname}`)
    const body = pathname.endsWith(toSession) ? { authentication_token: 'token' } : {}
    return Response.json(body)
  })
  const sink = stripeSink({ stripe: new Stripe('rk_live_1', { httpClient }), api: 'stream' })
  expect(statusesOf(await sink.send(batchOf(recordsOf(1)), never))).toEqual(['accepted'])
  expect(hosts).toEqual([
    'api.stripe.com/v2/billing/meter_event_session',
    'meter-events.stripe.com/v2/billing/meter_event_stream',
  ])
})

test.each([400, 401] as const)(
  'a session that ends with a %i under 50 batches is made anew once, and all arrives once',
  async (expiredSessionStatus) => {
    const { fake, sink } = await start({}, { expiredSessionStatus })
    await sink.send(batchOf(recordsOf(1, { id: 'warm' })), never)
    fake.endSessions()
    const sends = Array.from({ length: 50 }, (_, index) =>
      sink.send(batchOf(recordsOf(1, { id: `s${index}` })), never),
    )
    expect(statusesOf((await Promise.all(sends)).flat())).toEqual(['accepted'])
    expect(fake.requestCounts()).toMatchObject({ session: 2 })
    expect(fake.meterEvents).toHaveLength(51 * 3)
  },
)

test('one that has run out by the clock of Stripe is made anew', async () => {
  let now = Date.now()
  const { fake, sink } = await start({}, { now: () => now })
  await sink.send(batchOf(recordsOf(1)), never)
  now += 16 * minute
  const later = await sink.send(batchOf(recordsOf(1, { id: 'later' })), never)
  expect(later).toEqual([{ status: 'accepted' }])
  expect(fake.requestCounts()).toEqual({ session: 2, stream: 3 })
})

test('a session that never holds is a retry of what certainly did not arrive', async () => {
  const { sink } = await start({}, { sessionMs: 0 })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  expect(result).toMatchObject({ status: 'retry', reason: expect.stringContaining('expired') })
  expect(result).not.toHaveProperty('uncertain')
})

test.each([
  ['400', { status: 400 }, 60_000],
  ['401', { status: 401 }, 60_000],
  ['403', { status: 403 }, 60_000],
  ['404', { status: 404 }, 60_000],
  ['429', { status: 429, headers: { 'retry-after': '3' } }, 3000],
  ['500', { status: 500 }, undefined],
  ['a cut connection', { connection: 'reset' as const }, undefined],
  ['an answer of something else', { status: 200, body: { ok: true } }, undefined],
])('no session for %s: nothing was sent, nothing is lost', async (_, fault, afterMs) => {
  const { fake, sink } = await start()
  fake.failWith(fault, { ...always, to: toSession })
  const results = await sink.send(batchOf(recordsOf(40)), never)
  expect(statusesOf(results)).toEqual(['retry'])
  for (const result of results) {
    expect(result).not.toHaveProperty('uncertain')
    expect((result as { afterMs?: number }).afterMs).toBe(afterMs)
  }
  expect(fake.requestCounts().stream).toBe(undefined)
  fake.recover()
  expect(statusesOf(await sink.send(batchOf(recordsOf(40)), never))).toEqual(['accepted'])
  expect(fake.meterEvents).toHaveLength(120)
})

test('one event in a hundred is refused for ever: the others arrive with the same send', async () => {
  const { fake, sink } = await start()
  const body = { error: { code: 'payload_not_allowed', message: 'No.' } }
  fake.failWith({ status: 400, body }, { ...always, matching: 'cus_poison', to: toStream })
  const one = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }
  const records = recordsOf(300, { tokens: one }).map((record, index) =>
    index % 100 === 37 ? { ...record, customer: 'cus_poison' } : record,
  )
  const results = await sink.send(batchOf(records), never)
  const rejected = records.filter((_, index) => results[index]?.status === 'rejected')
  expect(rejected.map(({ id }) => id)).toEqual(['r37', 'r137', 'r237'])
  expect(results[37]).toMatchObject({ reason: expect.stringContaining('payload_not_allowed') })
  expect(results.filter(({ status }) => status === 'accepted')).toHaveLength(297)
  expect(fake.meterEvents).toHaveLength(297)
  fake.recover()
  const again = batchOf(rejected.map((record) => ({ ...record, customer: 'cus_1' })))
  expect(statusesOf(await sink.send(again, never))).toEqual(['accepted'])
  expect(fake.meterEvents).toHaveLength(300)
})

test.each(['ignored', 'refused'] as const)(
  'duplicates that the stream has are accepted, where they are %s',
  async (streamDuplicates) => {
    const { fake, sink } = await start({}, { streamDuplicates })
    const records = recordsOf(60)
    await sink.send(batchOf(records.slice(20, 50)), never)
    expect(statusesOf(await sink.send(batchOf(records), never))).toEqual(['accepted'])
    expect(fake.meterEvents).toHaveLength(180)
  },
)

test('an address that Stripe does not know is no fault of the events', async () => {
  const { fake, sink } = await start()
  fake.failWith({ status: 404 }, { ...always, to: toStream })
  const results = await sink.send(batchOf(recordsOf(2)), never)
  const retry = { status: 'retry', afterMs: 60_000, reason: expect.stringContaining("api to 'v2'") }
  expect(results).toMatchObject([retry, retry])
})

test('what was under way when it was stopped is uncertain, what was not is not', async () => {
  const { fake, sink } = await start({ maxConcurrentRequests: 1 })
  await sink.send(batchOf(recordsOf(1, { id: 'warm' })), never)
  fake.failWith({ connection: 'hang', processed: true }, { ...always, to: toStream })
  const controller = new AbortController()
  const one = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }
  const sending = sink.send(batchOf(recordsOf(150, { tokens: one })), controller.signal)
  await vi.waitUntil(() => fake.meterEvents.length === 103)
  controller.abort(new Error('closing'))
  const results = await sending
  expect(statusesOf(results)).toEqual(['retry'])
  const uncertain = results.map((result) => 'uncertain' in result)
  expect(uncertain).toEqual(Array.from({ length: 150 }, (_, index) => index < 100))
})

test('an abort while a session is made sends nothing; close ends that too', async () => {
  const { fake, sink } = await start()
  fake.failWith({ connection: 'hang' }, { ...always, to: toSession })
  const controller = new AbortController()
  const sending = sink.send(batchOf(recordsOf(2)), controller.signal)
  await vi.waitUntil(() => fake.requests.length === 1)
  controller.abort(new Error('closing'))
  const results: readonly SinkResult[] = await sending
  expect(results).toMatchObject([{ status: 'retry' }, { status: 'retry' }])
  expect(results.some((result) => 'uncertain' in result)).toBe(false)
  const waiting = sink.send(batchOf(recordsOf(1)), never)
  await sink.close?.()
  expect(await waiting).toMatchObject([{ status: 'retry' }])
})

test('only what may have arrived a day ago is not sent, the rest of its request is', async () => {
  const { fake, sink } = await start()
  const [late, early] = recordsOf(2)
  if (late === undefined || early === undefined) throw new Error('no records')
  const known = { uncertainSince: Date.now() - 25 * hour }
  const entries = [...batchOf([late], known).entries, ...batchOf([early]).entries]
  const results = await sink.send({ ...batchOf([]), entries }, never)
  expect(results).toMatchObject([
    { status: 'rejected', reason: expect.stringContaining('unknown since') },
    { status: 'accepted' },
  ])
  expect(fake.meterEvents).toHaveLength(3)
})

test('what fails afterwards is accepted here, and reported by Stripe', async () => {
  const { fake, sink } = await start({}, { customers: ['cus_1'], meters: ['token-billing-tokens'] })
  const records = recordsOf(2).map((record, index) => ({ ...record, customer: `cus_${index}` }))
  expect(statusesOf(await sink.send(batchOf(records), never))).toEqual(['accepted'])
  expect(fake.meterEvents).toHaveLength(3)
  expect(fake.failures.map(({ code, event }) => [code, event.identifier])).toEqual(
    ['input', 'cached_input', 'output'].map((type) => [
      'meter_event_customer_not_found',
      `r0:${type}`,
    ]),
  )
})

test('the retries of a client of the application are not used', async () => {
  const { fake } = await start()
  const { apiKey, host, port } = fake
  const stripe = new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 5 })
  const sink = stripeSink({ stripe, api: 'stream' })
  fake.failWith({ status: 500 }, always)
  await sink.send(batchOf(recordsOf(1)), never)
  expect(fake.requestCounts()).toEqual({ session: 1 })
})

test('stopped while a session is made anew: what the old one refused is not uncertain', async () => {
  const { fake, sink } = await start()
  await sink.send(batchOf(recordsOf(1, { id: 'warm' })), never)
  fake.endSessions()
  fake.failWith({ connection: 'hang' }, { ...always, to: toSession })
  const controller = new AbortController()
  const sending = sink.send(batchOf(recordsOf(1)), controller.signal)
  await vi.waitUntil(() => fake.requestCounts().session === 2)
  controller.abort(new Error('closing'))
  const [result] = await sending
  expect(result).toMatchObject({ status: 'retry' })
  expect(result).not.toHaveProperty('uncertain')
  await sink.close?.()
})
