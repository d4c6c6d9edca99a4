import { OpenMeter } from '@openmeter/sdk'
import { ConfigError } from '@token-meter/core/sink'
import {
  type FakeOpenMeterOptions,
  batchOf,
  never,
  recordsOf,
  startFakeOpenMeter,
} from '@token-meter/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openMeterSink } from './open-meter-sink.ts'
import type { OpenMeterSinkOptions } from './options.ts'

async function start(options: OpenMeterSinkOptions = {}, fakeOptions: FakeOpenMeterOptions = {}) {
  const fake = await startFakeOpenMeter(fakeOptions)
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  return { fake, sink: openMeterSink({ apiKey, url, ...options }) }
}

test('on the wire', async () => {
  const { fake, sink } = await start()
  const at = Date.parse('2026-11-21T10:20:30.456Z')
  const tokens = { input: 1500, cachedInput: 0, cachedWrite: 0, output: 85 }
  const cost = { currency: 'USD', provider: '0.005', billed: '0.006', source: 'prices' } as const
  await sink.send(batchOf(recordsOf(1, { id: '019a-1', at, tokens, cost })), never)
  const [request] = fake.requests
  expect(request).toMatchObject({ method: 'POST', path: '/api/v1/events', status: 204 })
  expect(request?.headers).toMatchObject({
    'content-type': 'application/cloudevents-batch+json',
    authorization: 'Bearer om_fake',
    // A body of known length, which every proxy takes.
    'content-length': String(request?.rawBody.length),
  })
  const common = {
    specversion: '1.0',
    source: 'token-meter',
    subject: 'cus_1',
    time: '2026-11-21T10:20:30.456Z',
  }
  const data = { feature: 'search', provider: 'openai', model: 'openai/gpt-5.4' }
  const type = 'token-billing-tokens'
  expect(JSON.parse(request?.rawBody ?? '')).toEqual([
    { ...common, id: '019a-1:input', type, data: { ...data, type: 'input', tokens: 1500 } },
    { ...common, id: '019a-1:output', type, data: { ...data, type: 'output', tokens: 85 } },
    { ...common, id: '019a-1:cost', type: 'token-billing-cost', data: { ...data, cost: '0.006' } },
  ])
})

test('self-hosted: no key is sent where there is none', async () => {
  const { fake, sink } = await start({ apiKey: undefined }, { apiKey: null })
  expect(await sink.send(batchOf(recordsOf(1)), never)).toMatchObject([{ status: 'accepted' }])
  expect(fake.requests[0]?.headers).not.toHaveProperty('authorization')
})

test.each([
  ['', {}, '/api/v1/events', 204],
  ['/api/v1', {}, '/api/v1/events', 204],
  ['/api/v1/events', {}, '/api/v1/events', 204],
  ['', { prefix: '/billing' }, '/billing/api/v1/events', 204],
  ['/v3/openmeter', { api: 'v3' }, '/v3/openmeter/events', 202],
  ['/v3/openmeter/events', { api: 'v3' }, '/v3/openmeter/events', 202],
  ['/v3/openmeter', { api: 'v3', prefix: '/api' }, '/api/v3/openmeter/events', 202],
] as const)('a url that ends in "%s", %j', async (end, fakeOptions, path, status) => {
  const { fake } = await start({}, fakeOptions)
  const sink = openMeterSink({ url: `${fake.url}${end}`, apiKey: fake.apiKey })
  expect(await sink.send(batchOf(recordsOf(1)), never)).toMatchObject([{ status: 'accepted' }])
  expect(fake.requests).toMatchObject([{ path, status }])
})

test('requests carry a hundred events, and say which record they were of', async () => {
  const { fake, sink } = await start()
  const results = await sink.send(batchOf(recordsOf(100)), never)
  expect(results.every(({ status }) => status === 'accepted')).toBe(true)
  const sizes = fake.requests.map(({ rawBody }) => JSON.parse(rawBody).length)
  expect(sizes).toEqual([100, 100, 100])
  fake.failWith({ status: 503 }, { skip: 1, times: Infinity })
  const later = recordsOf(100).map((record) => ({ ...record, id: `later-${record.id}` }))
  const failed = await sink.send(batchOf(later), never)
  // Of record 33 one event went with the first request; record 66 has one in the third.
  expect(failed[32]).toEqual({ status: 'accepted' })
  expect(failed[33]).toMatchObject({
    status: 'retry',
    uncertain: true,
    deliveredEventIds: ['later-r33:input'],
  })
  expect(failed[67]).toMatchObject({ status: 'retry', deliveredEventIds: [] })
  expect(failed[67]).not.toHaveProperty('uncertain')
  // After the failure nothing more was tried.
  expect(fake.requests).toHaveLength(5)
})

test('one poison in a batch is found by halves, and its neighbours arrive once', async () => {
  const { fake, sink } = await start()
  const records = recordsOf(33).map((record, index) =>
    index === 20 ? { ...record, customer: '' } : record,
  )
  const results = await sink.send(batchOf(records), never)
  const statuses = results.map(({ status }) => status)
  expect(statuses.filter((status) => status === 'rejected')).toHaveLength(1)
  expect(results[20]).toMatchObject({
    reason: expect.stringMatching(/400.*subject.*minimum string length is 1/),
  })
  expect(fake.events).toHaveLength(32 * 3)
  expect(fake.duplicates()).toBe(0)
  // Three events of 99 are to blame: far fewer requests than one for each.
  expect(fake.requests.length).toBeLessThan(30)
})

test('a body that is too large for a proxy goes in parts', async () => {
  const { fake, sink } = await start({}, { maxBodyBytes: 5000 })
  const results = await sink.send(batchOf(recordsOf(30)), never)
  expect(results.every(({ status }) => status === 'accepted')).toBe(true)
  expect(fake.events).toHaveLength(90)
})

test('a server that fails in the middle of a request: the rest comes, nothing twice', async () => {
  const { fake, sink } = await start()
  fake.failAfter(4)
  const records = recordsOf(3)
  const results = await sink.send(batchOf(records), never)
  expect(results).toMatchObject(records.map(() => ({ status: 'retry', uncertain: true })))
  expect(fake.events).toHaveLength(4)
  const again = await sink.send(batchOf(records, { uncertainSince: Date.now() }), never)
  expect(again).toEqual(records.map(() => ({ status: 'accepted' })))
  expect(fake.events).toHaveLength(9)
  expect(fake.duplicates()).toBe(4)
})

test.each([
  [401, 'om_verySECRET123', {}, /set apiKey \(OPENMETER_API_KEY\)/],
  [401, 'verySECRET/123+x', {}, /set apiKey \(OPENMETER_API_KEY\)/],
  [403, 'verySECRET/123+x', { mayIngest: false }, /role that may write events/],
])('a %i: the key %s is in no reason and no log', async (status, apiKey, fakeOptions, fix) => {
  const logs = (['log', 'warn', 'error'] as const).map((name) => vi.spyOn(console, name))
  const known = status === 403 ? { apiKey } : {}
  const { fake, sink } = await start({ apiKey }, { ...known, ...fakeOptions })
  const results = await sink.send(batchOf(recordsOf(1)), never)
  expect(results).toMatchObject([
    { status: 'retry', afterMs: 60_000, reason: expect.stringMatching(fix) },
  ])
  expect(results).toMatchObject([{ reason: expect.stringContaining('[key]') }])
  expect(fake.requests).toMatchObject([{ status, headers: { authorization: `Bearer ${apiKey}` } }])
  expect(JSON.stringify(results)).not.toContain('SECRET')
  for (const log of logs) expect(JSON.stringify(log.mock.calls)).not.toContain('SECRET')
})

test('events that arrived before are not sent again, and stay known', async () => {
  const { fake, sink } = await start()
  const known = { deliveredEventIds: ['r0:input', 'r0:output'] }
  fake.failWith({ status: 429 })
  expect(await sink.send(batchOf(recordsOf(1), known), never)).toMatchObject([
    { status: 'retry', ...known },
  ])
  expect(await sink.send(batchOf(recordsOf(1), known), never)).toEqual([{ status: 'accepted' }])
  expect(fake.events.map(({ id }) => id)).toEqual(['r0:cached_input'])
})

test('a record that nobody pays, has no time or no model name is a dead letter', async () => {
  const { fake, sink } = await start({
    modelSlug: (_, model) => {
      if (model === 'broken') throw new Error('no such plan')
      return model
    },
  })
  const changes = [{ customer: null }, { at: Number.NaN }, { model: 'broken' }, {}]
  const records = changes.flatMap((change) => recordsOf(1, change))
  expect(await sink.send(batchOf(records), never)).toMatchObject([
    { status: 'rejected', reason: expect.stringContaining('attribute it') },
    { status: 'rejected', reason: expect.stringContaining('no time') },
    { status: 'rejected', reason: expect.stringContaining('no such plan') },
    { status: 'accepted' },
  ])
  expect(fake.events).toHaveLength(3)
})

test('where OpenMeter is must be said, once', () => {
  const client = new OpenMeter({ baseUrl: 'http://localhost:8888' })
  const refused: readonly (readonly [OpenMeterSinkOptions, RegExp])[] = [
    [{}, /set url \(OPENMETER_URL\).*or apiKey \(OPENMETER_API_KEY\)/],
    [{ url: 'localhost' }, /url must be an http\(s\) URL/],
    [{ url: 'https://openmeter.cloud' }, /this url needs a key: set apiKey/],
    [{ url: 'https://us.api.konghq.com/v3/openmeter' }, /this url needs a key/],
    [{ apiKey: 'om_SECRET ' }, /apiKey must be a key without white space/],
    [{ apiKey: '' }, /apiKey must be/],
    [{ client, apiKey: 'om_SECRET' }, /either client, or url and apiKey/],
    [{ client, url: 'http://localhost:8888' }, /either client/],
    [{ client: {} as never }, /new OpenMeter/],
    [{ client: null as never }, /client is null/],
  ]
  for (const [options, message] of refused) {
    const attempt = () => openMeterSink(options)
    expect(attempt).toThrow(ConfigError)
    expect(attempt).toThrow(message)
    expect(attempt).not.toThrow(/SECRET/)
  }
  expect(openMeterSink({ client })).toMatchObject({ name: 'openmeter' })
  expect(openMeterSink({ apiKey: 'om_1', name: 'openmeter-eu' })).toMatchObject({
    name: 'openmeter-eu',
  })
})

test('any object that ingests is a client, and its word is taken', async () => {
  const got: unknown[] = []
  const ingest = async (events: readonly unknown[]) => void got.push(...events)
  const sink = openMeterSink({ client: { events: { ingest } } })
  expect(await sink.send(batchOf(recordsOf(1)), never)).toEqual([{ status: 'accepted' }])
  expect(got).toHaveLength(3)
  const problem = {
    status: 400,
    getField: (name: string) => (name === 'title' ? 'Bad' : undefined),
  }
  const failing = openMeterSink({ client: { events: { ingest: () => Promise.reject(problem) } } })
  expect(await failing.send(batchOf(recordsOf(1)), never)).toMatchObject([
    { status: 'rejected', reason: 'OpenMeter refused it (400): Bad' },
  ])
})
