import { metrics } from '@opentelemetry/api'
import { DataPointType } from '@opentelemetry/sdk-metrics'
import type { BatchEntry, Sink, UsageRecord } from '@token-meter/core/sink'
import { batchOf, exampleRecord, never } from '@token-meter/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CollectedMetrics } from '../test/collected-metrics.ts'
import { openTelemetrySink } from './index.ts'
import type { OpenTelemetrySinkOptions } from './options.ts'

let collected: CollectedMetrics
beforeEach(() => (collected = new CollectedMetrics()))
afterEach(() => collected[Symbol.asyncDispose]())

const usage = 'gen_ai.client.token.usage'
const inference = 'gen_ai.client.inference.usage'
const cost = { currency: 'USD', provider: '0.0012', billed: '0.0015', source: 'prices' } as const

function newSink(options: OpenTelemetrySinkOptions = {}): Sink {
  return openTelemetrySink({ meterProvider: collected.provider, ...options })
}

async function send(
  sink: Sink,
  records: readonly UsageRecord[],
  again: Partial<BatchEntry> = {},
  signal = never,
) {
  return sink.send(batchOf(records, again), signal)
}

test('a record becomes the metrics of the convention, literally', async () => {
  const tokens = { input: 1000, cachedInput: 300, cachedWrite: 200, output: 85 }
  const record = exampleRecord({ tokens, details: { reasoning: 20 }, cost })
  expect(await send(newSink(), [record])).toEqual([{ status: 'accepted' }])
  const shown = (await collected.collect()).map(({ descriptor, dataPoints, dataPointType }) => [
    descriptor.name,
    DataPointType[dataPointType],
    descriptor.unit,
    dataPoints.map(({ attributes, value }) => [
      attributes,
      typeof value === 'number' ? value : value.sum,
    ]),
  ])
  const shared = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-5.4',
    'gen_ai.response.model': 'gpt-5.4-2026-03-05',
  }
  const unknown = { ...shared, 'gen_ai.token.modality': 'unknown' }
  expect(shown).toEqual([
    [`${inference}.cache_read.input_tokens`, 'SUM', '{token}', [[unknown, 300]]],
    [`${inference}.cache_write.input_tokens`, 'SUM', '{token}', [[unknown, 200]]],
    [`${inference}.reasoning.output_tokens`, 'SUM', '{token}', [[unknown, 20]]],
    [
      usage,
      'HISTOGRAM',
      '{token}',
      [
        [{ ...shared, 'gen_ai.token.type': 'input' }, 1500],
        [{ ...shared, 'gen_ai.token.type': 'output' }, 85],
      ],
    ],
    [
      'token_meter.cost',
      'SUM',
      '{USD}',
      [[{ ...shared, 'token_meter.cost.kind': 'billed' }, 0.0015]],
    ],
  ])
})

test('the histogram has the buckets of the convention', async () => {
  await send(newSink(), [exampleRecord()])
  const [point] = await collected.points(usage)
  expect(point?.histogram?.buckets.boundaries).toEqual([
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
  ])
  expect(point?.histogram?.count).toBe(1)
})

test('all tokens are counted once, whatever their type', async () => {
  const types = ['input', 'cachedInput', 'cachedWrite', 'output'] as const
  const records = types.map((type, index) =>
    exampleRecord({
      tokens: { input: 0, cachedInput: 0, cachedWrite: 0, output: 0, [type]: 10 ** index },
      details: {},
    }),
  )
  await send(newSink(), records)
  expect(await collected.sum(usage)).toBe(1111)
  expect(await collected.sum(usage, { 'gen_ai.token.type': 'input' })).toBe(111)
  expect(await collected.sum(`${inference}.cache_read.input_tokens`)).toBe(10)
  expect(await collected.sum(`${inference}.cache_write.input_tokens`)).toBe(100)
  // A count of 0 is no data point: 3 inputs and 1 output.
  const points = await collected.points(usage)
  expect(points.map(({ histogram }) => histogram?.count)).toEqual([3, 1])
})

test('the convention of 1.36 has gen_ai.system, and its own names of providers', async () => {
  await send(newSink({ convention: '1.36' }), [exampleRecord({ provider: 'xai' })])
  const [point] = await collected.points(usage)
  expect(point?.attributes).toMatchObject({ 'gen_ai.system': 'xai' })
  expect(point?.attributes).not.toHaveProperty(['gen_ai.provider.name'])
})

test('the latest convention has counters, by modality, and histograms without', async () => {
  const tokens = { input: 1000, cachedInput: 300, cachedWrite: 0, output: 85 }
  const details = { audioInput: 250, imageInput: 50, cachedAudioInput: 100, audioOutput: 85 }
  await send(newSink({ convention: 'latest' }), [exampleRecord({ tokens, details })])
  const modality = 'gen_ai.token.modality'
  const byModality = async (name: string) =>
    Object.fromEntries(
      (await collected.points(name)).map(({ attributes, value }) => [attributes[modality], value]),
    )
  expect(await collected.names()).not.toContain(usage)
  expect(await byModality(`${inference}.input_tokens`)).toEqual({
    audio: 250,
    image: 50,
    unknown: 1000,
  })
  expect(await byModality(`${inference}.output_tokens`)).toEqual({ audio: 85 })
  expect(await byModality(`${inference}.cache_read.input_tokens`)).toEqual({
    audio: 100,
    unknown: 200,
  })
  const operation = 'gen_ai.client.inference.operation'
  expect(await collected.sum(`${operation}.input_tokens`)).toBe(1300)
  expect(await collected.sum(`${operation}.output_tokens`)).toBe(85)
  const [point] = await collected.points(`${operation}.input_tokens`)
  expect(point?.attributes).not.toHaveProperty([modality])
})

test('parts that are more than the whole are not believed', async () => {
  const tokens = { input: 10, cachedInput: 0, cachedWrite: 0, output: 1 }
  const sink = newSink({ convention: 'latest' })
  await send(sink, [exampleRecord({ tokens, details: { audioInput: 11 } })])
  const points = await collected.points(`${inference}.input_tokens`)
  expect(
    points.map(({ value, attributes }) => [value, attributes['gen_ai.token.modality']]),
  ).toEqual([[10, 'unknown']])
})

describe('attributes', () => {
  const attributes = { feature: 'search', user: 'u1', 'gen_ai.provider.name': 'forged' }

  test('none is taken from a record unless named, nor the customer', async () => {
    await send(newSink(), [exampleRecord({ attributes })])
    for (const metric of await collected.collect()) {
      for (const point of metric.dataPoints) {
        expect(point.attributes).toMatchObject({ 'gen_ai.provider.name': 'openai' })
        expect(JSON.stringify(point.attributes)).not.toMatch(/search|u1|cus_1|forged/)
      }
    }
  })

  test('those that are named, and the customer where asked', async () => {
    const sink = newSink({ attributes: ['feature', 'absent'], customer: true })
    await send(sink, [
      exampleRecord({ attributes }),
      exampleRecord({ attributes: {}, customer: 'cus_2' }),
    ])
    const points = await collected.points(`${inference}.cache_read.input_tokens`)
    const own = points.map(({ attributes }) =>
      Object.entries(attributes).filter(([name]) => !name.startsWith('gen_ai.')),
    )
    expect(own).toEqual([
      [
        ['feature', 'search'],
        ['token_meter.customer', 'cus_1'],
      ],
      [['token_meter.customer', 'cus_2']],
    ])
  })

  test('a request that names no model', async () => {
    await send(newSink(), [exampleRecord({ requestedModel: null })])
    const [point] = await collected.points(usage)
    expect(point?.attributes).not.toHaveProperty(['gen_ai.request.model'])
  })
})

describe('cost', () => {
  test.each([
    ['billed', 0.0015],
    ['provider', 0.0012],
  ] as const)('%s', async (kind, usd) => {
    await send(newSink({ cost: kind }), [exampleRecord({ cost })])
    const points = await collected.points('token_meter.cost')
    expect(points.map(({ value }) => value)).toEqual([usd])
    expect(points[0]?.attributes).toMatchObject({ 'token_meter.cost.kind': kind })
  })

  test('false: no metric of it; nor for a record without', async () => {
    await send(newSink({ cost: false }), [exampleRecord({ cost })])
    await send(newSink(), [exampleRecord()])
    expect(await collected.points('token_meter.cost')).toEqual([])
  })
})

// `describeSink` is about a backend that answers over a network, refuses, and bills by id: an SDK in the
// same process does none of it. What is left of the contract of sinks is here.
describe('as a sink', () => {
  test('an empty batch has no results; a record without tokens is accepted, and no data', async () => {
    const tokens = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
    expect(await send(newSink(), [])).toEqual([])
    const results = await send(newSink(), [exampleRecord({ tokens, details: {} })])
    expect(results).toEqual([{ status: 'accepted' }])
    expect(await collected.sum(usage)).toBeUndefined()
  })

  test.each<[string, Partial<BatchEntry>]>([
    ['it could not be settled', { attempts: 1, uncertainSince: 1 }],
    ['the answer was lost', { uncertainSince: 1 }],
  ])('a batch that comes again to the process, as %s, is counted once', async (_, again) => {
    const sink = newSink()
    const records = [exampleRecord(), exampleRecord()]
    await send(sink, records)
    const total = await collected.sum(usage)
    expect(await send(sink, records, again)).toEqual([
      { status: 'accepted' },
      { status: 'accepted' },
    ])
    expect(await collected.sum(usage)).toBe(total)
  })

  test('what a process that was killed had claimed is counted by the next', async () => {
    await send(newSink(), [exampleRecord()], { attempts: 1, uncertainSince: 1 })
    expect(await collected.sum(usage)).toBe(1585)
  })

  test('a failure in the middle of a batch makes no record count twice', async () => {
    const record = exampleRecord({ attributes: { feature: 'x' } })
    const sink = newSink({ attributes: ['feature'] })
    const broken = {
      ...record,
      id: 'broken',
      get provider(): string {
        throw new Error('broken')
      },
    }
    await expect(send(sink, [record, broken])).rejects.toThrow('broken')
    await send(sink, [record], { uncertainSince: 1 })
    expect(await collected.sum(usage)).toBe(1585)
  })

  test('a signal that is aborted already counts nothing', async () => {
    const results = await send(newSink(), [exampleRecord()], {}, AbortSignal.abort())
    expect(results).toMatchObject([{ status: 'retry' }])
    expect(await collected.sum(usage)).toBeUndefined()
  })
})

describe('the global provider', () => {
  afterEach(() => metrics.disable())

  test('without an SDK everything is accepted and nothing counted', async () => {
    expect(await send(openTelemetrySink(), [exampleRecord()])).toEqual([{ status: 'accepted' }])
  })

  test('one that is registered after the sink was made is found', async () => {
    const sink = openTelemetrySink()
    await send(sink, [exampleRecord()])
    metrics.setGlobalMeterProvider(collected.provider)
    await send(sink, [exampleRecord()])
    await send(sink, [exampleRecord()])
    expect(await collected.sum(usage)).toBe(2 * 1585)
  })
})

test.each([
  ['name', { name: '' }, /name must be a string that is not empty, got an empty string/],
  ['attributes', { attributes: 'feature' }, /attributes must be names of record attributes/],
  ['attribute', { attributes: [1] }, /attributes must be names/],
  ['a taken name', { attributes: ['gen_ai.system'] }, /'gen_ai\.' or 'token_meter\.', as "gen_ai/],
  ['customer', { customer: 'yes' }, /customer must be true or false/],
  ['cost', { cost: true }, /cost must be 'billed', 'provider' or false, got true/],
  ['convention', { convention: '1.40' }, /convention must be '1\.36', '1\.41' or 'latest'/],
  ['meterProvider', { meterProvider: {} }, /meterProvider must be a MeterProvider/],
  ['meterProvider', { meterProvider: null }, /meterProvider is null/],
])('a wrong %s is told when the sink is made', (_, options, message) => {
  const wrong = options as OpenTelemetrySinkOptions
  expect(() => openTelemetrySink(wrong)).toThrow(message)
  expect(() => openTelemetrySink(wrong)).toThrow(expect.objectContaining({ code: 'config' }))
})
