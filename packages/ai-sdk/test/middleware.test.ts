import { describe, expect, test } from 'vitest'
import { createMeter, memoryOutbox, meterMiddleware, type TokenMeterError } from '../src/index.ts'
import { type Metered, startMetered } from './metered.ts'
import { callOptions, chatCompletion, chatScript, countedTokens, embeddingList } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { StubModel } from './stub-models.ts'

describe.each(sdkMajors)('middleware of ai $major', (sdk) => {
  const { ai } = sdk
  const prompt = 'hi'
  const ours = (run: Metered, customer = 'cus_1') => meterMiddleware(customer, { meter: run.meter })

  test('meters what it wraps, whole and streamed', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    run.server.serve(chatScript)
    const model = ai.wrapLanguageModel({
      model: run.openai.chat('gpt-5.4'),
      middleware: ours(run),
    })
    expect((await ai.generateText({ model, prompt })).text).toBe('{"a":1}')
    expect(await ai.streamText({ model, prompt }).text).toBe('{"a":1}')
    const expected = { provider: 'openai', requestedModel: 'gpt-5.4', tokens: countedTokens }
    expect(run.records).toMatchObject([
      { ...expected, endpoint: 'languageModel', outcome: 'complete' },
      { ...expected, outcome: 'complete' },
    ])
    expect(run.errors).toEqual([])
  })

  test('around a metered model: once, whole, streamed and interrupted', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    run.server.serve(chatScript, { times: 2 })
    const model = ai.wrapLanguageModel({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_inner'),
      middleware: ours(run, 'cus_outer'),
    })
    await model.doGenerate(callOptions)
    for await (const _ of (await model.doStream(callOptions)).stream);
    for await (const { type } of (await model.doStream(callOptions)).stream) {
      if (type === 'text-delta') break
    }
    // The one next to the model sees every request: it records.
    expect(run.records.map(({ customer, outcome }) => [customer, outcome])).toEqual([
      ['cus_inner', 'complete'],
      ['cus_inner', 'complete'],
      ['cus_inner', 'estimated'],
    ])
  })

  test('a wrapped model, metered from outside as well: once', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    run.server.serve(chatScript, { times: 2 })
    const inner = ai.wrapLanguageModel({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'),
      middleware: [ai.extractReasoningMiddleware({ tagName: 'think' }), ours(run)],
    })
    const model = run.meter(inner, 'cus_1')
    await ai.generateText({ model, prompt })
    await ai.streamText({ model, prompt }).text
    for await (const { type } of (await model.doStream(callOptions)).stream) {
      if (type === 'text-delta') break
    }
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'estimated'])
  })

  test('a stream made of a whole answer: once', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion)
    const inner = ai.wrapLanguageModel({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_1'),
      middleware: ai.simulateStreamingMiddleware(),
    })
    expect(await ai.streamText({ model: run.meter(inner, 'cus_1'), prompt }).text).toBe('{"a":1}')
    expect(run.records).toHaveLength(1)
  })

  test('what a middleware asks of other models counts beside', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(embeddingList)
    run.server.serve(chatCompletion, { times: 3 })
    const search = run.meter(run.openai.textEmbeddingModel('e'), 'cus_1')
    const rewriter = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    const inner = ai.wrapLanguageModel({
      model: run.openai.chat('gpt-5.4'),
      middleware: {
        specificationVersion: 'v4',
        transformParams: async ({ params }) => {
          await ai.embed({ model: search, value: 'x' })
          await ai.generateText({ model: rewriter, prompt })
          return params
        },
      },
    })
    await ai.generateText({ model: run.meter(inner, 'cus_1'), prompt })
    expect(run.records.map(({ endpoint }) => endpoint)).toEqual([
      'embeddingModel',
      'languageModel',
      'languageModel',
    ])
  })

  test('an error is the raw one, and costs nothing', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ error: { message: 'no' } }, { status: 401, times: 2 })
    const model = ai.wrapLanguageModel({ model: run.openai.chat('m'), middleware: ours(run) })
    await expect(model.doGenerate(callOptions)).rejects.toMatchObject({ statusCode: 401 })
    await expect(model.doStream(callOptions)).rejects.toMatchObject({ statusCode: 401 })
    expect(run.records).toEqual([])
  })
})

test('what can never work is refused where it is written', () => {
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  expect(() => meterMiddleware('cus_1', { meter: meter as never })).toThrow(TypeError)
  expect(() => meterMiddleware('')).toThrow(/empty string/)
})

test('a model inside one that makes its parts anew is the only one to record', async () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]
  await using run = await startMetered(sdk)
  run.server.serve(chatScript)
  const inner = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
  const outer = new StubModel(() => ({}))
  outer.doStream = async () => {
    const { stream } = await inner.doStream(callOptions)
    const copied = new TransformStream({ transform: (part, to) => to.enqueue({ ...part }) })
    return { stream: stream.pipeThrough(copied) as never }
  }
  for await (const _ of (await run.meter(outer, 'cus_1').doStream(callOptions)).stream);
  expect(run.records).toHaveLength(1)
})
