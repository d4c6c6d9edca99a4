import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { model } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const { GoogleGenAI } = sdkMajors.at(-1)!
const words = 'The keeper lit the lamp. '.repeat(24)
const nothing = { promptTokenCount: 0, candidatesTokenCount: 0, totalTokenCount: 0 }
const good = { promptTokenCount: 900, candidatesTokenCount: 40, totalTokenCount: 940 }
const content = (parts: readonly object[], finishReason?: string) => [
  { content: { role: 'model', parts }, index: 0, finishReason },
]
const chunk = (usageMetadata: object | null, parts: readonly object[] = []): ReplayEvent => ({
  candidates: content(parts, parts.length === 0 ? 'STOP' : undefined),
  usageMetadata,
  modelVersion: 'gemini-3-flash-001',
})

async function whole(usageMetadata: object, parts: readonly object[] = [{ text: words }]) {
  await using run = await startMetered(GoogleGenAI)
  run.server.serve({ candidates: content(parts, 'STOP'), usageMetadata })
  await run.metered.models.generateContent({ model, contents: words })
  return { records: run.records, messages: run.errors.map(({ message }) => message) }
}

async function streamed(...usages: readonly (object | null)[]) {
  await using run = await startMetered(GoogleGenAI)
  run.server.serve([
    chunk(null, [{ text: words }]),
    ...usages.map((usage) => chunk(usage)),
  ] as readonly ReplayEvent[])
  await readAll(await run.metered.models.generateContentStream({ model, contents: words }))
  return { records: run.records, messages: run.errors.map(({ message }) => message) }
}

describe('nothing counted', () => {
  test.each([
    ['whole', () => whole(nothing)],
    ['streamed', () => streamed(nothing)],
  ])('beside text is an estimate and reported: %s', async (_, call) => {
    const { records, messages } = await call()
    expect(records).toMatchObject([{ details: { estimated: ['input', 'output'] } }])
    for (const count of [records[0]?.tokens.input, records[0]?.tokens.output]) {
      expect(count).toBeGreaterThan(90)
      expect(count).toBeLessThan(180)
    }
    expect(messages).toHaveLength(1)
  })

  test('beside a tool call alone is reported, and no record', async () => {
    const { records, messages } = await whole(nothing, [{ functionCall: { name: 'f', args: {} } }])
    expect(records).toEqual([])
    expect(messages).toEqual([expect.stringContaining('beside a tool call')])
  })
})

test.each<[string, (object | null)[], object]>([
  ['zeros take nothing away', [good, nothing], { input: 900, output: 40 }],
  ['nor does an empty one', [good, {}], { input: 900, output: 40 }],
  [
    'one count alone changes that one',
    [good, { candidatesTokenCount: 41 }],
    { input: 900, output: 41 },
  ],
  [
    'a smaller count is a count',
    [good, { ...good, candidatesTokenCount: 12, totalTokenCount: 912 }],
    { input: 900, output: 12 },
  ],
])('of several usages, %s', async (_, usages, tokens) => {
  const { records, messages } = await streamed(...usages)
  expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
  expect(messages).toEqual([])
})

test('a total and no parts: the output is estimated, and the input is the rest', async () => {
  for (const call of [whole, streamed]) {
    const { records, messages } = await call({ totalTokenCount: 1421 })
    const { input = 0, output = 0 } = records[0]?.tokens ?? {}
    expect(input + output).toBe(1421)
    expect(output).toBeGreaterThan(90)
    expect(records).toMatchObject([{ outcome: 'estimated' }])
    expect(messages).toHaveLength(1)
  }
})

test.each([
  [
    'parts beyond the total',
    { promptTokenCount: 1000, candidatesTokenCount: 2000, totalTokenCount: 15 },
    { input: 1000, output: 2000 },
  ],
  [
    'a prompt of 0 that the total contradicts',
    { promptTokenCount: 0, candidatesTokenCount: 40, totalTokenCount: 940 },
    { input: 900, output: 40 },
  ],
  [
    'candidates of 0 that the total contradicts',
    { promptTokenCount: 900, candidatesTokenCount: 0, totalTokenCount: 940 },
    { input: 900, output: 40 },
  ],
])('%s is reported', async (_, usage, tokens) => {
  const { records, messages } = await whole(usage)
  expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
  expect(messages).toHaveLength(1)
})

test('a count above a billion is unknown, and reported', async () => {
  const { records } = await whole({ promptTokenCount: 5e9, candidatesTokenCount: 7 })
  expect(records).toMatchObject([{ tokens: { output: 7 }, details: { estimated: ['input'] } }])
})

test('embeddings without usage, or with a zero, are an estimate of their text alone', async () => {
  for (const usageMetadata of [undefined, { promptTokenCount: 0 }]) {
    await using run = await startMetered(GoogleGenAI)
    const embed = async (config?: object) => {
      run.server.serve({ embeddings: [{ values: [0.5] }], usageMetadata } as ReplayEvent)
      await run.metered.models.embedContent({
        model: 'gemini-embedding-001',
        contents: ['hello', 'world'],
        ...(config && { config }),
      })
    }
    await embed()
    await embed({ taskType: 'SEMANTIC_SIMILARITY', outputDimensionality: 768 })
    expect(run.records).toMatchObject([{ outcome: 'estimated' }, { outcome: 'estimated' }])
    // Two words, and a little for each part.
    expect(run.records[0]?.tokens.input).toBeLessThanOrEqual(5)
    expect(run.records[1]?.tokens).toEqual(run.records[0]?.tokens)
  }
})
