import { createMeter, memoryOutbox } from '@token-meter/core'
import {
  batchOf,
  never,
  recordsOf,
  startFakeLago,
  type FakeLago,
  type FakeLagoOptions,
} from '@token-meter/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { lagoSink, type LagoSinkOptions } from '../src/index.ts'
import { start } from './start.ts'

const key = 'verySECRET-0f9e'

test.each([
  ['a wrong key', { apiKey: key }, {}, /Lago does not know the API key.*set apiKey/],
  [
    'a key that may not write',
    {},
    { mayWriteEvents: false },
    /give the key the permission to write/,
  ],
] as const)(
  '%s: kept, the fix named, the key shown nowhere',
  async (_, own, fakeOptions, reason) => {
    const logs = (['log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
    const { fake, sink } = await start(own, {
      ...fakeOptions,
      ...(!('apiKey' in own) && { apiKey: key }),
    })
    const results = await sink.send(batchOf(recordsOf(3)), never)
    expect(results).toHaveLength(3)
    for (const result of results) {
      expect(result).toMatchObject({ status: 'retry', afterMs: 60_000 })
      expect(result).toMatchObject({ reason: expect.stringMatching(reason) })
      expect(result).not.toHaveProperty('uncertain')
    }
    expect(fake.requests).toHaveLength(1)
    expect(fake.requests[0]?.headers.authorization).toContain('SECRET')
    expect(JSON.stringify(results)).not.toContain('SECRET')
    for (const log of logs) expect(JSON.stringify(log.mock.calls)).not.toContain('SECRET')
  },
)

test('a server that repeats the key does not bring it into a reason', async () => {
  const { fake, sink } = await start({}, { apiKey: key })
  fake.failWith({ status: 400, body: { message: `bad header Bearer ${key}` } })
  const results = await sink.send(batchOf(recordsOf(1)), never)
  expect(results).toMatchObject([{ reason: expect.stringContaining('bad header Bearer [key]') }])
})

test.each(['/other', '/api/v2/api/v1'])(
  'a wrong address (%s) is named, and nothing lost',
  async (path) => {
    const { apiKey, apiUrl } = await start()
    const sink = lagoSink({ apiKey, apiUrl: apiUrl + path })
    expect(await sink.send(batchOf(recordsOf(2)), never)).toMatchObject([
      {
        status: 'retry',
        afterMs: 60_000,
        reason: expect.stringMatching(/404.*set it to|set it to.*404/),
      },
      { status: 'retry' },
    ])
  },
)

test('a redirect is a wrong address too, and is not followed with the key', async () => {
  const { fake, sink } = await start()
  fake.failWith({ status: 301, headers: { location: 'https://api.example.com/x?y' } })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  expect(result).toMatchObject({
    status: 'retry',
    afterMs: 60_000,
    reason: expect.stringMatching(/apiUrl.*301.*redirects to https:\/\/api\.example\.com\.$/),
  })
  expect(fake.requests).toHaveLength(1)
})

async function deliver(fake: FakeLago, options: LagoSinkOptions) {
  const outbox = memoryOutbox()
  const errors: string[] = []
  const { apiKey, url: apiUrl } = fake
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [lagoSink({ apiKey, apiUrl, ...options })],
    delivery: { lingerMs: 1, pollMs: 20 },
    onError: ({ message }) => errors.push(message),
  })
  onTestFinished(() => meter.close({ timeoutMs: 10 }).catch(() => {}))
  return { outbox, meter, errors }
}

async function fakeLago(options: FakeLagoOptions) {
  const fake = await startFakeLago(options)
  onTestFinished(() => fake.close())
  return fake
}

test('a code that Lago does not have: nothing is sent to be ignored, and all when there is one', async () => {
  const fake = await fakeLago({ billableMetrics: ['other'] })
  const { outbox, meter } = await deliver(fake, {})
  await outbox.append(recordsOf(5))
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toThrow(
    /no billable metric with the code "llm_usage".*create it, or set code/,
  )
  expect(fake.events).toEqual([])
  expect(await outbox.stats('lago')).toMatchObject({ pending: 5, dead: 0 })
  fake.addBillableMetric('llm_usage')
  await meter.flush()
  expect(await outbox.stats('lago')).toMatchObject({ pending: 0, delivered: 5 })
  expect(fake.billed()).toHaveLength(3)
})

test('a code is asked for once, and one that is missing holds up no other', async () => {
  const billableMetrics = ['llm_input_tokens', 'a/b c']
  const fake = await fakeLago({ billableMetrics })
  const { apiKey, url: apiUrl } = fake
  const code = { cached_input: 'a/b c', output: 'none' }
  const sink = lagoSink({ apiKey, apiUrl, events: 'per-token-type', code })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  expect(result).toMatchObject({
    status: 'retry',
    reason: expect.stringContaining('"none"'),
    deliveredEventIds: ['r0:input', 'r0:cached_input'],
    recordOnly: true,
  })
  const { deliveredEventIds = [] } = result ?? {}
  fake.addBillableMetric('none')
  const again = await sink.send(batchOf(recordsOf(1), { deliveredEventIds }), never)
  expect(again).toMatchObject([{ status: 'accepted' }])
  await sink.send(batchOf(recordsOf(1, { id: 'r1' })), never)
  const asked = fake.requests.filter(({ method }) => method === 'GET').map(({ path }) => path)
  expect(asked.map((path) => path.replace(/.*metrics\//, ''))).toEqual([
    'llm_input_tokens',
    'a%2Fb%20c',
    'none',
    'none',
  ])
  expect(fake.billed()).toHaveLength(3)
})

test('a key that may not read is warned of once, and the events are sent', async () => {
  const fake = await fakeLago({ mayRead: false })
  const { apiKey, url: apiUrl } = fake
  const onWarning = vi.fn()
  const sink = lagoSink({ apiKey, apiUrl, onWarning, checkSubscriptions: true })
  const sends = [sink.send(batchOf(recordsOf(1)), never), sink.send(batchOf(recordsOf(1)), never)]
  for (const send of sends) expect(await send).toMatchObject([{ status: 'accepted' }])
  expect(onWarning.mock.calls.map(([message]) => message)).toEqual([
    expect.stringMatching(/billable metric.*checkCodes: false/),
    expect.stringMatching(/subscription.*checkSubscriptions: false/),
  ])
})

test.each([
  ['an outage', { status: 503, headers: { 'retry-after': '3' } }, { afterMs: 3000 }],
  ['too many requests', { status: 429, headers: { 'x-ratelimit-reset': '2' } }, { afterMs: 2000 }],
  ['a cut connection', { connection: 'reset' }, {}],
  ['no answer', { connection: 'hang' }, {}],
  ['a wrong key', { status: 401 }, { afterMs: 60_000 }],
] as const)('%s while it asks for a code sends nothing, with no doubt', async (_, fault, more) => {
  const fake = await fakeLago({})
  const { apiKey, url: apiUrl } = fake
  const sink = lagoSink({ apiKey, apiUrl, timeoutMs: 200 })
  fake.failWith(fault, { times: Infinity })
  const results = await sink.send(batchOf(recordsOf(2)), never)
  expect(results).toMatchObject([{ status: 'retry', ...more }, { status: 'retry' }])
  expect(JSON.stringify(results)).not.toContain('uncertain')
  expect(fake.requests).toHaveLength(1)
  fake.recover()
  expect(await sink.send(batchOf(recordsOf(2)), never)).toMatchObject([
    { status: 'accepted' },
    { status: 'accepted' },
  ])
})

test('a proxy that lets nothing but events through does not stop them', async () => {
  const fake = await fakeLago({})
  const { apiKey, url: apiUrl } = fake
  fake.failWith({ status: 404, body: '<html>' }, { to: '/llm_usage', times: Infinity })
  const sink = lagoSink({ apiKey, apiUrl })
  expect(await sink.send(batchOf(recordsOf(1)), never)).toMatchObject([{ status: 'accepted' }])
})

test('a subscription that Lago does not have waits alone, where it is asked for', async () => {
  const fake = await fakeLago({ subscriptions: ['cus_1'], terminatedSubscriptions: ['cus_old'] })
  const { outbox, meter } = await deliver(fake, { checkSubscriptions: true })
  const customers = ['cus_1', 'cus_new', 'cus_old', 'cus_1']
  await outbox.append(
    recordsOf(4).map((record, index) => ({ ...record, customer: customers[index] ?? null })),
  )
  await expect(meter.flush({ timeoutMs: 300 })).rejects.toThrow(
    /no subscription with the external id "cus_new".*create it/,
  )
  expect(await outbox.stats('lago')).toMatchObject({ pending: 1, delivered: 3 })
  fake.addSubscription('cus_new')
  await meter.flush()
  expect(new Set(fake.billed().map(({ customer }) => customer))).toEqual(new Set(customers))
})

test('without the question, its events are kept by Lago and billed to nobody', async () => {
  const fake = await fakeLago({ subscriptions: [] })
  const { outbox, meter } = await deliver(fake, {})
  await outbox.append(recordsOf(1))
  await meter.flush()
  expect(fake.billed()).toEqual([])
  fake.addSubscription('cus_1')
  expect(fake.billed()).toHaveLength(3)
})
