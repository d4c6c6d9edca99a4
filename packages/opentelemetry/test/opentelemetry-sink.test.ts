import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aggregated, createMeter, memoryOutbox } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord } from '@token-meter/testkit'
import { recordings, sharedFolder } from '@token-meter/testkit/internal'
import { expect, test } from 'vitest'
import {
  chatCompletion,
  chatRequest,
  chatScript,
  embeddingList,
} from '../../openai/test/scripts.ts'
import { openTelemetrySink } from '../src/index.ts'
import { CollectedMetrics } from './collected-metrics.ts'
import { startMeteredOpenAI } from './metered-openai.ts'

const usage = 'gen_ai.client.token.usage'
const input = { 'gen_ai.token.type': 'input' }
const output = { 'gen_ai.token.type': 'output' }

test('what is unbilled is counted, apart from what is billed, and costs nothing', async () => {
  const collected = new CollectedMetrics()
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [openTelemetrySink({ meterProvider: collected.provider })],
    cost: cost({ prices: () => '0.5' }),
  })
  const used = {
    customer: 'cus_1',
    provider: 'anthropic',
    model: 'claude-fable-5',
    tokens: { input: 10 },
  }
  await meter.record({ ...used, unbilled: 'refusal:cyber' })
  await meter.record(used)
  await meter.flush()
  const rows = (await collected.points(usage)).map(({ attributes }) => attributes)
  expect(rows).toHaveLength(2)
  expect(rows).toContainEqual(expect.objectContaining({ 'token_meter.unbilled': 'refusal:cyber' }))
  const [spent, ...others] = await collected.points('token_meter.cost')
  expect(others).toEqual([])
  expect(spent?.value).toBe(0.5)
  expect(spent?.attributes).not.toHaveProperty('token_meter.unbilled')
  await meter.close()
})

test('from a call of the OpenAI client to its data points', async () => {
  await using run = await startMeteredOpenAI({
    attributes: { feature: 'chat' },
    sink: { attributes: ['feature'], customer: true },
  })
  run.provider.serve(chatCompletion)
  await run.client('cus_1').chat.completions.create(chatRequest)
  run.provider.serve(chatScript)
  for await (const _ of await run.client('cus_2').chat.completions.create({
    ...chatRequest,
    stream: true,
  }));
  run.provider.serve(embeddingList)
  const embedding = { model: 'text-embedding-3-small', input: 'x' }
  await run.client('cus_2').embeddings.create(embedding)
  await run.meter.flush()

  const chat = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-5.4',
    'gen_ai.response.model': 'gpt-5.4-2026-03-05',
    feature: 'chat',
  }
  const rows = (await run.collected.points(usage)).map(({ attributes, value }) => [
    attributes,
    value,
  ])
  expect(rows).toEqual([
    [{ ...chat, ...input, 'token_meter.customer': 'cus_1' }, 11],
    [{ ...chat, ...output, 'token_meter.customer': 'cus_1' }, 7],
    [{ ...chat, ...input, 'token_meter.customer': 'cus_2' }, 11],
    [{ ...chat, ...output, 'token_meter.customer': 'cus_2' }, 7],
    [
      {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'text-embedding-3-small',
        'gen_ai.response.model': 'text-embedding-3-small',
        feature: 'chat',
        ...input,
        'token_meter.customer': 'cus_2',
      },
      8,
    ],
  ])
  // The same tokens as on the bill, type by type.
  const billed = run.stripe.billed().reduce((sum, { value }) => sum + value, 0)
  expect(await run.collected.sum(usage)).toBe(billed)
  expect(await run.collected.sum('gen_ai.client.inference.usage.cache_read.input_tokens')).toBe(8)
  expect(await run.collected.sum('gen_ai.client.inference.usage.reasoning.output_tokens')).toBe(4)
  expect(run.errors).toEqual([])
})

test('the cost of a call, as the ledger has it', async () => {
  const prices = { 'openai/gpt-5.4': { input: '2.5', cachedInput: '0.25', output: 15 } }
  await using run = await startMeteredOpenAI({ cost: cost({ prices, markup: 20 }) })
  for (let call = 0; call < 3; call++) {
    run.provider.serve(chatCompletion)
    await run.client('cus_1').chat.completions.create(chatRequest)
  }
  await run.meter.flush()
  // 7 input, 4 cached and 7 output tokens, and a fifth.
  const usd = (1.2 * (7 * 2.5 + 4 * 0.25 + 7 * 15)) / 1e6
  expect(await run.collected.sum('token_meter.cost')).toBeCloseTo(3 * usd, 12)
})

test('a backend that is down does not hold the metrics back', async () => {
  await using run = await startMeteredOpenAI()
  run.stripe.failWith({ status: 500 }, { times: Infinity })
  run.provider.serve(chatCompletion)
  await run.client('cus_1').chat.completions.create(chatRequest)
  await expect.poll(() => run.collected.sum(usage)).toBe(18)
  expect(run.stripe.billed()).toEqual([])
})

test('after a restart nothing that was delivered is counted again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-'))
  const run = async (calls: number) => {
    await using collected = new CollectedMetrics()
    const meter = createMeter({
      providers: [],
      outbox: sqliteOutbox(join(folder, 'usage.db')),
      sinks: [openTelemetrySink({ meterProvider: collected.provider })],
    })
    for (let call = 0; call < calls; call++) {
      await meter.record({ provider: 'openai', model: 'm', customer: 'c', tokens: { input: 100 } })
    }
    await meter.flush()
    await meter.close()
    return await collected.sum(usage)
  }
  expect(await run(3)).toBe(300)
  expect(await run(0)).toBeUndefined()
  expect(await run(2)).toBe(200)
  rmSync(folder, { recursive: true })
})

test('registered, a sink on an old outbox begins with now', async () => {
  await using collected = new CollectedMetrics()
  const outbox = memoryOutbox()
  outbox.append([exampleRecord({ at: Date.now() - 86_400_000 })])
  await outbox.registerSink('opentelemetry', { sinceMs: Date.now() })
  const sinks = [openTelemetrySink({ meterProvider: collected.provider })]
  await using meter = createMeter({ providers: [], outbox, sinks })
  await meter.record({ provider: 'openai', model: 'm', customer: 'c', tokens: { output: 5 } })
  await meter.flush()
  expect(await collected.sum(usage)).toBe(5)
})

test('aggregated, the sums are right; the histogram then has sums of calls', async () => {
  await using collected = new CollectedMetrics()
  const sink = openTelemetrySink({ meterProvider: collected.provider })
  await using meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [aggregated(sink, { windowMs: 60_000 })],
  })
  const at = Date.UTC(2026, 10, 21)
  for (let call = 0; call < 10; call++) {
    const tokens = { input: 100 }
    await meter.record({ provider: 'openai', model: 'm', customer: 'c', at, tokens })
  }
  await meter.flush()
  const [point] = await collected.points(usage)
  expect(point?.value).toBe(1000)
  expect(point?.histogram?.count).toBeLessThan(10)
})

const isAbsent = sharedFolder() === undefined
test.skipIf(isAbsent)('recorded traffic: the totals per customer, model and type', async () => {
  await using collected = new CollectedMetrics()
  await using meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [openTelemetrySink({ meterProvider: collected.provider, customer: true })],
  })
  const expected: Record<string, number> = {}
  for (const [index, { provider, expected: rows }] of recordings().entries()) {
    for (const { model, ...row } of rows) {
      const customer = `cus_${index % 5}`
      const tokens = {
        input: row.input,
        cachedInput: row.cached_input,
        cachedWrite: row.cached_write,
        output: row.output,
      }
      await meter.record({ provider, model, customer, tokens })
      const whole = { input: row.input + row.cached_input + row.cached_write, output: row.output }
      for (const [type, count] of Object.entries(whole)) {
        const key = `${customer} ${model} ${type}`
        if (count > 0) expected[key] = (expected[key] ?? 0) + count
      }
    }
  }
  await meter.flush()
  const counted: Record<string, number> = {}
  for (const { attributes, value } of await collected.points(usage)) {
    const { 'token_meter.customer': customer, 'gen_ai.response.model': model } = attributes
    const key = `${String(customer)} ${String(model)} ${String(attributes['gen_ai.token.type'])}`
    counted[key] = (counted[key] ?? 0) + value
  }
  expect(Object.keys(expected).length).toBeGreaterThan(50)
  expect(counted).toEqual(expected)
})
