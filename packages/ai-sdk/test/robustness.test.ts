import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Metered, startMetered } from './metered.ts'
import { callOptions } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { generated, parts, partSource, StubModel, usage } from './stub-models.ts'

const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

async function generate(run: Metered, answer: object): Promise<void> {
  await run.meter(new StubModel(() => answer), 'cus_1').doGenerate(callOptions)
}

describe('odd usage', () => {
  test.each([
    ['missing', undefined],
    ['null', null],
    ['text', 'seven'],
    ['an array', []],
    ['empty', {}],
    ['all unknown', { inputTokens: {}, outputTokens: {} }],
    ['raw of nobody', { raw: { tokens: 5 } }],
  ])('%s: an estimate, and a report', async (_, odd) => {
    await using run = await startMetered(sdk)
    await generate(run, { ...generated, usage: odd })
    expect(run.records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    expect(run.errors).toMatchObject([{ code: 'usage' }])
  })

  test.each([
    ['negative', -5],
    ['not a number', Number.NaN],
    ['huge', 1e300],
    ['text', 'x'.repeat(50)],
  ])('a count that is %s: an estimate there, and a report', async (_, count) => {
    await using run = await startMetered(sdk)
    const odd = { ...usage, outputTokens: { total: count } }
    await generate(run, { ...generated, usage: odd })
    expect(run.records).toMatchObject([
      { tokens: { input: 7, cachedInput: 4 }, details: { estimated: ['output'] }, raw: odd },
    ])
    expect(run.errors).toMatchObject([{ code: 'usage', message: /total is/ }])
  })

  test('a fraction is rounded up, and reported', async () => {
    await using run = await startMetered(sdk)
    await generate(run, { ...generated, usage: { ...usage, outputTokens: { total: 6.2 } } })
    expect(run.records).toMatchObject([{ tokens: { output: 7 }, outcome: 'complete' }])
    expect(run.errors).toMatchObject([{ code: 'usage' }])
  })

  test('nothing that a model answers or streams ever throws into the call', async () => {
    await using run = await startMetered(sdk)
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.array(fc.anything()), async (odd, oddParts) => {
        const answer = { ...generated, usage: odd, response: odd, providerMetadata: { p: odd } }
        await generate(run, answer)
        const given = [
          ...oddParts.filter((part) => part !== undefined),
          { ...parts.at(-1), type: 'finish', usage: odd },
        ]
        const { stream: source } = partSource(given as never)
        const { stream } = await run
          .meter(new StubModel(() => ({ stream: source })), 'cus_1')
          .doStream(callOptions)
        const seen: unknown[] = []
        for await (const part of stream) seen.push(part)
        expect(seen).toEqual(given)
      }),
      { numRuns: 200 },
    )
  })
})

describe('odd models', () => {
  test('an answer that is no stream is recorded as an estimate, and passed on', async () => {
    await using run = await startMetered(sdk)
    const answer = { stream: 'soon' }
    const model = run.meter(new StubModel(() => answer), 'cus_1')
    expect(await model.doStream(callOptions)).toBe(answer)
    expect(run.records).toMatchObject([{ outcome: 'estimated' }])
    expect(run.errors.map(({ code }) => code)).toContain('observer')
  })

  test('what is not metered works, and is reported once', async () => {
    await using run = await startMetered(sdk)
    const reranker = {
      specificationVersion: 'v4',
      provider: 'cohere.reranking',
      modelId: 'rerank-v3.5',
      doRerank: async ({ documents }: { documents: string[] }) => ({ ranking: documents }),
    }
    const model = run.meter(reranker, 'cus_1')
    await model.doRerank({ documents: [] })
    expect(await model.doRerank({ documents: [] })).toEqual({ ranking: [] })
    expect(run.records).toEqual([])
    expect(run.errors.map(({ message }) => message)).toEqual([
      'calls of a rerankingModel work, but are not metered: record() their usage',
    ])
  })
})

describe.each(sdkMajors)('ai $major', (major) => {
  test('the flat counts of V2, with cached tokens inside the input or beside it', async () => {
    await using run = await startMetered(major)
    const flat = { inputTokens: 11, outputTokens: 7, totalTokens: 18, cachedInputTokens: 4 }
    const model = (provider: string, over: object) =>
      Object.assign(new StubModel(() => ({ ...generated, ...over })), {
        config: { baseURL: 'http://127.0.0.1:9' },
        name: provider,
      })
    await run.meter(model('openai', { usage: flat }), 'cus_1').doGenerate(callOptions)
    await run
      .meter(model('anthropic', { usage: flat }), 'cus_1', { provider: 'anthropic' })
      .doGenerate(callOptions)
    const beside = { ...flat, reasoningTokens: 5, totalTokens: 23 }
    await run.meter(model('x', { usage: beside }), 'cus_1').doGenerate(callOptions)
    expect(run.records.map(({ tokens }) => tokens)).toEqual([
      { input: 7, cachedInput: 4, cachedWrite: 0, output: 7 },
      { input: 11, cachedInput: 4, cachedWrite: 0, output: 7 },
      { input: 7, cachedInput: 4, cachedWrite: 0, output: 12 },
    ])
  })
})
