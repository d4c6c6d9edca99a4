import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { readAll, startMetered } from './metered.ts'
import {
  callableTool,
  contentAnswer,
  contentUsage,
  countedTokens,
  request,
  toolCallAnswer,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }
const said = (text: string, rest: object = {}): ReplayEvent => ({
  candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...rest }],
})
const over = (finishReason = 'STOP', rest: object = {}): ReplayEvent => ({
  ...said('.', { finishReason }),
  ...rest,
})
const prompt = { promptTokenCount: 20, totalTokenCount: 20 }

interface Streamed {
  readonly what: string
  readonly events: readonly ReplayEvent[]
  readonly tokens: object
  readonly outcome?: string
}

/** Streams that are read to their end, and what they are billed. */
const streams: readonly Streamed[] = [
  {
    what: 'usage in the first chunk only, which counts no answer: what was said is estimated',
    events: [said('a', {}), over()].map((event, index) =>
      index === 0 ? { ...event, usageMetadata: prompt } : event,
    ),
    tokens: { input: 20, output: expect.toSatisfy((count) => count > 0) },
    outcome: 'estimated',
  },
  {
    what: 'usage in the last chunk only',
    events: [said('a'), said('b'), over('STOP', { usageMetadata: contentUsage })],
    tokens: countedTokens,
  },
  {
    what: 'usage behind the last word, in a chunk of its own',
    events: [said('a'), over(), { usageMetadata: contentUsage }],
    tokens: countedTokens,
  },
  {
    what: 'fields that come and go: the last of each',
    events: [
      { ...said('a'), usageMetadata: { ...prompt, cachedContentTokenCount: 4 } },
      { ...said('b'), usageMetadata: { candidatesTokenCount: 2, thoughtsTokenCount: null } },
      over('STOP', { usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 3 } }),
    ],
    tokens: { ...none, input: 16, cachedInput: 4, output: 3 },
  },
  {
    what: 'a blocked prompt, which has no candidates',
    events: [{ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: prompt }],
    tokens: { ...none, input: 20 },
  },
  {
    what: 'an answer that the safety filters stopped',
    events: [said('a'), over('SAFETY', { usageMetadata: contentUsage })],
    tokens: countedTokens,
  },
  {
    what: 'several candidates, which share one usage',
    events: [
      {
        candidates: [
          { index: 0, content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' },
          { index: 1, content: { parts: [{ text: 'b' }] }, finishReason: 'STOP' },
        ],
        usageMetadata: contentUsage,
      },
    ],
    tokens: countedTokens,
  },
  {
    what: 'thoughts only, cut off by the limit',
    events: [
      over('MAX_TOKENS', {
        usageMetadata: { promptTokenCount: 5, thoughtsTokenCount: 90, totalTokenCount: 95 },
      }),
    ],
    tokens: { ...none, input: 5, output: 90 },
  },
  {
    what: 'counts as strings, which 64-bit numbers are in JSON of protobuf',
    events: [
      over('STOP', { usageMetadata: { promptTokenCount: '20', candidatesTokenCount: '7' } }),
    ],
    tokens: { ...none, input: 20, output: 7 },
  },
  {
    what: 'more cached tokens than prompt tokens',
    events: [
      over('STOP', {
        usageMetadata: {
          promptTokenCount: 5,
          cachedContentTokenCount: 9,
          candidatesTokenCount: 1,
        },
      }),
    ],
    tokens: { ...none, cachedInput: 5, output: 1 },
  },
]

describe.each(sdkMajors)('counts of genai $major', ({ major, GoogleGenAI }) => {
  const start = () => startMetered(GoogleGenAI)

  test.each(streams)('$what', async ({ events, tokens, outcome = 'complete' }) => {
    await using run = await start()
    run.server.serve(events)
    await readAll(await run.metered.models.generateContentStream(request))
    expect(run.records).toMatchObject([{ tokens, outcome }])
  })

  test('no usage in any chunk, and no chunk at all: an estimate that says so', async () => {
    await using run = await start()
    run.server.serve([said('Some words of an answer'), over()])
    run.server.serve([])
    await readAll(await run.metered.models.generateContentStream(request))
    const empty = run.metered.models.generateContentStream(request).then(readAll)
    await empty.catch(() => {})
    for (const { outcome, details, tokens } of run.records) {
      expect(outcome).toBe('estimated')
      expect(details.estimated).toEqual(['input', 'output'])
      expect(tokens.input).toBeGreaterThan(0)
    }
    expect(run.records.length).toBe(run.server.requests.length)
  })

  test('an error in the middle of a stream: what was said so far, once', async () => {
    await using run = await start()
    const error = { error: { code: 500, message: 'internal', status: 'INTERNAL' } }
    run.server.serve([
      { ...said('a'), usageMetadata: { ...prompt, candidatesTokenCount: 2, totalTokenCount: 22 } },
      error,
    ])
    const config = { automaticContinuation: false } as never
    const stream = run.metered.models.generateContentStream({ ...request, config })
    await stream.then(readAll).catch(() => {})
    expect(run.records).toMatchObject([{ tokens: { ...none, input: 20, output: 2 } }])
    if (major > 1) expect(run.records[0]?.outcome).toBe('partial')
  })

  test('an array of JSON in place of events', async () => {
    await using run = await start()
    const body = JSON.stringify([said('a'), over('STOP', { usageMetadata: contentUsage })])
    run.server.serve(new TextEncoder().encode(body), { times: 12 })
    const fails = async (client: typeof run.raw) =>
      client.models
        .generateContentStream(request)
        .then(readAll)
        .then(
          () => 'read',
          (error: Error) => error.message,
        )
    const raw = await fails(run.raw)
    const sent = run.server.requests.length
    expect(await fails(run.metered)).toBe(raw)
    expect(run.records).toHaveLength(run.server.requests.length - sent)
  })

  test('function calling whose third request fails: two are billed', async () => {
    await using run = await start()
    run.server.serve(toolCallAnswer, { times: 2 })
    run.server.serve({ error: { code: 400, message: 'no', status: 'X' } }, { status: 400 })
    const config = { tools: [callableTool] }
    await expect(run.metered.models.generateContent({ ...request, config })).rejects.toThrow()
    expect(run.records.map(({ tokens }) => tokens)).toEqual(
      Array.from({ length: 2 }, () => ({ ...none, input: 7, output: 2 })),
    )
    expect(run.errors).toEqual([])
  })

  test('many streams at once, each with its own counts', async () => {
    await using run = await start()
    const counts = Array.from({ length: 20 }, (_, index) => index + 1)
    for (const count of counts) {
      const usageMetadata = { promptTokenCount: count, candidatesTokenCount: count * 2 }
      run.server.serve([said('a'), over('STOP', { usageMetadata })], { gapMs: count % 3 })
    }
    await Promise.all(
      counts.map(() => run.metered.models.generateContentStream(request).then(readAll)),
    )
    const inputs = run.records.map(({ tokens }) => tokens.input)
    expect(inputs.toSorted((one, other) => one - other)).toEqual(counts)
    for (const { tokens } of run.records) expect(tokens.output).toBe(tokens.input * 2)
  })

  test.each([
    ['a negative count', { promptTokenCount: -5, candidatesTokenCount: 3 }, 3],
    ['a fraction, rounded up', { promptTokenCount: 4.5, candidatesTokenCount: 3 }, 3],
    ['a huge count', { promptTokenCount: 1e300, candidatesTokenCount: 3 }, 3],
    ['text', { promptTokenCount: 'many', candidatesTokenCount: 3 }, 3],
  ])('%s is reported, and never lost', async (_, usageMetadata, output) => {
    await using run = await start()
    run.server.serve({ ...contentAnswer, usageMetadata })
    await run.metered.models.generateContent(request)
    expect(run.records).toMatchObject([{ tokens: { output }, raw: usageMetadata }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(0)
    expect(run.errors).toMatchObject([{ code: 'usage' }])
  })
})
