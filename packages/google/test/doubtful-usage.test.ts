import type { ReplayEvent } from '@token-meter/testkit'
import { expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import { model } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const { GoogleGenAI } = sdkMajors.at(-1)!
const words = 'The keeper lit the lamp. '.repeat(24)
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
