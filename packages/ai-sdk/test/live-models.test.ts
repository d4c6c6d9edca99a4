import { describe, expect, test } from 'vitest'
import { type Metered, startMetered } from './metered.ts'
import { sdkMajors } from './sdk-majors.ts'
import { partSource, type StreamPart } from './stub-models.ts'

const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

const base = { specificationVersion: 'v4', provider: 'acme.audio', modelId: 'm-1' } as const

/** A model with the given method, wrapped. */
function metered<Method extends string>(run: Metered, method: Method, answer: unknown) {
  const call = async (_options: object) => answer
  const model = { ...base, [method]: call } as typeof base & Record<Method, typeof call>
  return run.meter(model, 'cus_1')
}

async function play(run: Metered, options: object, parts: readonly StreamPart[], most = Infinity) {
  const { stream } = partSource(parts)
  const model = metered(run, 'doStream', { stream })
  const answer = (await model.doStream(options)) as { stream: ReadableStream }
  let count = 0
  for await (const _ of answer.stream) if (++count >= most) break
}

const audio: StreamPart = { type: 'audio', audio: 'AAAA', audioFormat: { type: 'audio/mpeg' } }
const start: StreamPart = { type: 'stream-start', warnings: [] }

describe('streamed speech', () => {
  test.each([
    ['of a text', 'Hello!', { inputTokens: 3, outputTokens: 40 }],
    [
      'of a streamed text',
      new ReadableStream(),
      { inputCharacters: 6, inputTokens: 3, outputTokens: 40 },
    ],
    // A usage object of a shape of its own takes nothing away.
    ['with a raw usage', 'Hello!', { inputTokens: 3, outputTokens: 40, raw: { credits: 9 } }],
  ])('%s', async (_, text, usage) => {
    await using run = await startMetered(sdk)
    await play(run, { text }, [start, audio, { type: 'finish', usage }])
    expect(run.records).toMatchObject([
      {
        endpoint: 'speechModel',
        model: 'm-1',
        tokens: { input: 3, output: 40 },
        details: { characters: 6 },
        outcome: 'complete',
      },
    ])
    expect(run.errors).toEqual([])
  })

  test('left early: by its characters', async () => {
    await using run = await startMetered(sdk)
    await play(run, { text: 'Hello!' }, [start, audio, audio], 2)
    expect(run.records).toMatchObject([{ details: { characters: 6 }, outcome: 'partial' }])
  })
})

describe('a streamed transcript', () => {
  const heard: StreamPart[] = [
    start,
    { type: 'response-metadata', modelId: 'm-1-2026' },
    { type: 'transcript-partial', text: 'one', startSecond: 1, durationInSeconds: 2.5 },
    { type: 'transcript-final', text: 'one two', startSecond: 1, endSecond: 4.5 },
  ]
  const options = { audio: new ReadableStream() }

  test.each([
    ['by seconds', { durationInSeconds: 6 }, { details: { seconds: 6 } }],
    [
      'by tokens',
      { usage: { input_tokens: 40, output_tokens: 6 } },
      { tokens: { input: 40, output: 6 } },
    ],
  ])('%s', async (_, said, expected) => {
    await using run = await startMetered(sdk)
    await play(run, options, [...heard, { type: 'finish', text: 'x', segments: [], ...said }])
    expect(run.records).toMatchObject([
      { endpoint: 'transcriptionModel', model: 'm-1-2026', outcome: 'complete', ...expected },
    ])
    expect(run.errors).toEqual([])
  })

  test.each([
    ['in pieces', { type: 'transcript-delta', delta: 'one two three four five' }],
    ['segment by segment', { type: 'transcript-final', text: 'one two three four five' }],
    ['at the end', { type: 'stream-start' }],
  ])('its text, %s, is estimated once where the usage says 0', async (_, part) => {
    await using run = await startMetered(sdk)
    const usage = { input_tokens: 40, output_tokens: 0 }
    const end = { type: 'finish', text: 'one two three four five', segments: [], usage }
    const final = { type: 'transcript-final', text: 'one two three four five' }
    const repeated = part.type === 'transcript-delta' ? [final] : []
    await play(run, options, [start, part as StreamPart, ...repeated, end])
    expect(run.records).toMatchObject([{ tokens: { input: 40, output: 5 }, outcome: 'estimated' }])
    expect(run.errors).toHaveLength(1)
  })

  test.each([
    [3, 3.5],
    [4, 4.5],
  ])('left after %i parts: as far as it went', async (most, seconds) => {
    await using run = await startMetered(sdk)
    await play(run, options, heard, most)
    expect(run.records).toMatchObject([{ details: { seconds }, outcome: 'partial' }])
  })

  test('refused before it began: nothing is owed', async () => {
    await using run = await startMetered(sdk)
    await play(run, options, [start, { type: 'error', error: new Error('no') }])
    expect(run.records).toEqual([])
  })
})

describe('the other calls of V4', () => {
  test('a transcription by URL; none where the provider cannot fetch it', async () => {
    await using run = await startMetered(sdk)
    const url = { audio: new URL('https://example.com/a.mp3') }
    const answer = { text: 'x', segments: [], durationInSeconds: 3, response: { modelId: 'm-2' } }
    await metered(run, 'doGenerateFromUrl', answer).doGenerateFromUrl(url)
    expect(await metered(run, 'doGenerateFromUrl', undefined).doGenerateFromUrl(url)).toBe(
      undefined,
    )
    expect(run.records).toMatchObject([
      { endpoint: 'transcriptionModel', model: 'm-2', details: { seconds: 3 } },
    ])
    expect(run.errors).toEqual([])
  })

  test.each([
    ['doDecide', 'decisionModel'],
    ['doEvaluate', 'decisionModel'],
    ['doExtract', 'extractionModel'],
  ])('%s', async (method, endpoint) => {
    await using run = await startMetered(sdk)
    const counts = { inputTokens: 20, outputTokens: 4 }
    const ask = async (usage: unknown) => {
      const answer = { answers: { a: 'yes, it is' }, usage, warnings: [] }
      return await metered(run, method, answer)[method]?.({ state: 'is it so?' })
    }
    await ask(counts)
    await ask(undefined)
    expect(run.records).toMatchObject([
      { endpoint, tokens: { input: 20, output: 4 }, outcome: 'complete' },
      { endpoint, outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    expect(run.records[1]?.tokens.input).toBeGreaterThan(0)
  })
})
