import { createMeter } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { batchOf, exampleRecord, never, recordsOf } from '@token-meter/testkit'
import { Client } from 'lago-javascript-client'
import { expect, test } from 'vitest'
import { lagoSink } from '../src/index.ts'
import manifest from '../package.json' with { type: 'json' }
import { start } from './start.ts'

test('a request is literally this', async () => {
  const { fake, sink, apiKey } = await start({ code: 'ai' })
  const record = exampleRecord({
    id: 'r1',
    customer: 'cus_1',
    at: Date.parse('2026-11-21T10:20:30.456Z'),
    tokens: { input: 1200, cachedInput: 300, cachedWrite: 0, output: 85 },
    attributes: { feature: 'search' },
    cost: { currency: 'USD', provider: '0.1', billed: '0.000000001', source: 'reported' },
  })
  expect(await sink.send(batchOf([record]), never)).toEqual([{ status: 'accepted' }])
  const [request, ...more] = fake.requests
  expect(more).toEqual([])
  expect(request).toMatchObject({ method: 'POST', path: '/api/v1/events/batch', query: '' })
  expect(request?.headers).toMatchObject({
    authorization: `Bearer ${apiKey}`,
    'content-type': 'application/json',
    'user-agent': `token-meter/${manifest.version}`,
  })
  expect(request?.rawBody).toBe(
    '{"events":[{"transaction_id":"r1","external_subscription_id":"cus_1","code":"ai",' +
      '"timestamp":"1795256430.456","properties":{"input_tokens":1200,"output_tokens":85,' +
      '"model":"openai/gpt-5.4","response_cost":"0.000000001","cached_input_tokens":300,' +
      '"feature":"search"}}]}',
  )
})

test('the address works with and without the path of the API', async () => {
  const { fake, apiKey, apiUrl } = await start()
  for (const url of [`${apiUrl}/`, `${apiUrl}/api/v1`, `${apiUrl}/api/v1/`]) {
    const sink = lagoSink({ apiKey, apiUrl: url })
    expect(await sink.send(batchOf(recordsOf(1)), never)).toMatchObject([{ status: 'accepted' }])
  }
  expect(new Set(fake.requests.map(({ path }) => path))).toEqual(
    new Set(['/api/v1/billable_metrics/llm_usage', '/api/v1/events/batch']),
  )
})

test('never more than 100 events in a request, and the same text on each attempt', async () => {
  const { fake, sink } = await start({ events: 'per-token-type' })
  const batch = batchOf(recordsOf(100))
  fake.failWith({ connection: 'reset', processed: true }, { times: 3 })
  for (const status of ['retry', 'retry', 'retry', 'accepted']) {
    const results = await sink.send(batch, never)
    expect(new Set(results.map((result) => result.status))).toEqual(new Set([status]))
  }
  const sizes = fake.requests.map(({ rawBody }) => JSON.parse(rawBody).events.length)
  expect(Math.max(...sizes)).toBe(100)
  const [first, second, third] = fake.requests.map(({ rawBody }) => rawBody)
  expect(second).toBe(first)
  expect(third).toBe(first)
  expect(fake.events).toHaveLength(300)
})

test('events that Lago is known to have are not sent again', async () => {
  const { fake, sink } = await start({ events: 'per-token-type' })
  const known = { deliveredEventIds: ['r0:input', 'r0:output'] }
  expect(await sink.send(batchOf(recordsOf(1), known), never)).toEqual([{ status: 'accepted' }])
  expect(fake.events.map((event) => event.transaction_id)).toEqual(['r0:cached_input'])
})

test('the subscription that pays is the customer, or what a function says', async () => {
  const paying = new Map([['cus_1', 'sub_of_team_a']])
  const { fake, sink } = await start({ subscription: ({ customer }) => paying.get(customer ?? '') })
  const records = [...recordsOf(1), ...recordsOf(1, { id: 'late', customer: 'cus_2' })]
  const results = await sink.send(batchOf(records), never)
  expect(results).toMatchObject([
    { status: 'accepted' },
    {
      status: 'retry',
      afterMs: 60_000,
      recordOnly: true,
      reason: expect.stringMatching(/subscription answers no id for the customer cus_2/),
    },
  ])
  expect(results[1]).not.toHaveProperty('uncertain')
  paying.set('cus_2', 'sub_2')
  expect(await sink.send(batchOf(records.slice(1)), never)).toMatchObject([{ status: 'accepted' }])
  expect(fake.events.map((event) => event.external_subscription_id)).toEqual([
    'sub_of_team_a',
    'sub_2',
  ])
})

test('a client of the application sends with its own settings', async () => {
  const { fake, apiKey, apiUrl } = await start()
  const calls: string[] = []
  const customFetch: typeof fetch = (input, init) => {
    calls.push(String(input))
    return fetch(input, init)
  }
  const client = Client(apiKey, { baseUrl: `${apiUrl}/api/v1`, customFetch })
  const sink = lagoSink({ client, checkSubscriptions: true })
  expect(await sink.send(batchOf(recordsOf(2)), never)).toMatchObject([{}, { status: 'accepted' }])
  expect(calls).toHaveLength(3)
  expect(fake.events).toHaveLength(2)
})

test('what usage costs arrives to the last digit, from the prices of the meter', async () => {
  const { fake, apiKey, apiUrl } = await start()
  await using meter = createMeter({
    providers: [],
    sinks: [lagoSink({ apiKey, apiUrl, dynamicCharge: true })],
    cost: cost({ prices: { 'openai/gpt-5.4': { input: '1.2345', output: '10' } }, markup: 20 }),
  })
  for (let count = 0; count < 10; count++) {
    const tokens = { input: 7, output: 3 }
    await meter.record({ customer: 'cus_1', provider: 'openai', model: 'gpt-5.4', tokens })
  }
  await meter.flush()
  // (7 x 1.2345 + 3 x 10) / 1e6 x 1.2 for each of ten.
  expect(fake.costs()).toEqual([
    { customer: 'cus_1', model: 'openai/gpt-5.4', cost: '0.000463698', cents: '0.0463698' },
  ])
})

test('a record that names nobody is not lost as accepted', async () => {
  const { fake, sink } = await start()
  const [result] = await sink.send(batchOf(recordsOf(1, { customer: null })), never)
  expect(result).toMatchObject({
    status: 'rejected',
    reason: expect.stringMatching(/attribute it/),
  })
  expect(fake.requests).toEqual([])
})
