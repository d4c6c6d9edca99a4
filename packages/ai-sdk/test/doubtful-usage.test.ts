import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import type { AiSdkModel } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'
import { partSource, type StreamPart } from './stub-models.ts'

const words = 'The keeper lit the lamp. '.repeat(24)
const prompt = [{ role: 'user', content: [{ type: 'text', text: words }] }]

const noUsage = {
  v2: { inputTokens: 0, outputTokens: 0, totalTokens: 0 },
  v3: { inputTokens: { total: 0, noCache: 0 }, outputTokens: { total: 0 } },
  raw: { inputTokens: {}, outputTokens: {}, raw: { prompt_tokens: 0, completion_tokens: 0 } },
}
const totalAlone = {
  v2: { inputTokens: 0, outputTokens: 0, totalTokens: 1421 },
  raw: { raw: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 1421 } },
}

interface Stub extends AiSdkModel {
  doGenerate(options: object): Promise<unknown>
  doStream(options: object): Promise<{ stream: ReadableStream<StreamPart> }>
}

/** A model that answers with these parts and usages. */
function stub(content: readonly object[], usages: readonly object[]): Stub {
  const text = content.map((part) => ({ type: 'text-delta', delta: '', ...part }))
  const finishes = usages.map((usage) => ({ type: 'finish', usage }))
  const usage = usages.at(-1)
  return {
    specificationVersion: 'v3',
    provider: 'openai.chat',
    modelId: 'm-1',
    doGenerate: async () => ({ content, usage }),
    doStream: async () => partSource([...text, ...finishes] as StreamPart[]),
  }
}

async function metered(model: Stub, stream: boolean) {
  await using run = await startMetered(sdkMajors.at(-1)!)
  const wrapped = run.meter(model, 'cus_1')
  if (stream) for await (const _ of (await wrapped.doStream({ prompt })).stream);
  else await wrapped.doGenerate({ prompt })
  return { records: run.records, messages: run.errors.map(({ message }) => message) }
}

const said = [{ type: 'text', text: words }]
const streamedText = [{ type: 'text-delta', delta: words }]
const call = [{ type: 'tool-call', toolCallId: 'c', toolName: 'f', input: '{"sku":"sku_123"}' }]

describe.each(Object.entries(noUsage))('nothing counted, as %s', (_, usage) => {
  test.each([false, true])(
    'beside text is an estimate and reported (streamed: %s)',
    async (stream) => {
      const model = stub(stream ? streamedText : said, [usage])
      const { records, messages } = await metered(model, stream)
      expect(records).toMatchObject([{ details: { estimated: ['input', 'output'] } }])
      for (const count of [records[0]?.tokens.input, records[0]?.tokens.output]) {
        expect(count).toBeGreaterThan(90)
        expect(count).toBeLessThan(180)
      }
      expect(messages).toHaveLength(1)
    },
  )

  test.each([false, true])(
    'beside a tool call alone is reported (streamed: %s)',
    async (stream) => {
      const { records, messages } = await metered(stub(call, [usage]), stream)
      expect(records).toEqual([])
      expect(messages).toEqual([expect.stringContaining('beside a tool call')])
    },
  )
})

test.each(Object.entries(totalAlone))('a total and no parts, as %s', async (_, usage) => {
  for (const stream of [false, true]) {
    const { records } = await metered(stub(stream ? streamedText : said, [usage]), stream)
    const { input = 0, output = 0 } = records[0]?.tokens ?? {}
    expect(input + output).toBe(1421)
    expect(output).toBeGreaterThan(90)
    expect(records).toMatchObject([{ outcome: 'estimated' }])
  }
})

test('a second finish of zeros takes nothing away', async () => {
  const good = { inputTokens: { total: 900, noCache: 900 }, outputTokens: { total: 40 } }
  const { records, messages } = await metered(stub(streamedText, [good, noUsage.v3]), true)
  expect(records).toMatchObject([{ tokens: { input: 900, output: 40 }, outcome: 'complete' }])
  expect(messages).toEqual([])
})

test.each([
  [
    'zeros of the provider beside counts of the AI SDK',
    {
      inputTokens: { total: 900, noCache: 900 },
      outputTokens: { total: 40 },
      raw: { prompt_tokens: 0, completion_tokens: 0 },
    },
    0,
  ],
  ['parts beyond the total', { inputTokens: 1000, outputTokens: 2000, totalTokens: 15 }, 1],
  [
    'reasoning beyond a stated total',
    { inputTokens: 10, outputTokens: 5, totalTokens: 15, reasoningTokens: 100 },
    1,
  ],
])('%s', async (_, usage, reports) => {
  const { records, messages } = await metered(stub(said, [usage]), false)
  const { input, output } = { input: 0, output: 0, ...records[0]?.tokens }
  expect([input, output]).toEqual({ 900: [900, 40], 1000: [1000, 2000], 10: [10, 5] }[input])
  expect(messages).toHaveLength(reports)
})

test.each(sdkMajors)('zeros of a real provider, streamed through ai $major', async (sdk) => {
  await using run = await startMetered(sdk)
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm-1' }
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  const events: readonly ReplayEvent[] = [
    { ...chunk, choices: [{ index: 0, delta: { content: words }, finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { ...chunk, choices: [], usage },
  ]
  run.server.serve(events)
  const { stream } = await (run.meter(run.openai.chat('m-1'), 'cus_1') as unknown as Stub).doStream(
    { prompt },
  )
  for await (const _ of stream);
  expect(run.records).toMatchObject([{ details: { estimated: ['input', 'output'] } }])
  expect(run.errors).toHaveLength(1)
})
