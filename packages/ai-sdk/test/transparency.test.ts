import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import {
  callOptions,
  chatCompletion,
  chatScript,
  embeddingList,
  message,
  messageScript,
} from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { generated, parts, partSource, StubModel } from './stub-models.ts'

/** What differs between any two calls. */
function timeless(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, item: unknown) =>
      ['headers', 'responseHeaders', 'timestamp', 'created'].includes(key) ? undefined : item,
    ),
  )
}

async function all<Item>(stream: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of stream) items.push(item)
  return items
}

describe.each(sdkMajors)('a metered model of ai $major', (sdk) => {
  const { ai } = sdk

  test('answers what the raw one answers', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion, { times: 2 })
    const raw = run.openai.chat('gpt-5.4')
    const metered = run.meter(raw, 'cus_1')
    const one = await raw.doGenerate(callOptions)
    const other = await metered.doGenerate(callOptions)
    expect(timeless(other)).toEqual(timeless(one))
    expect(run.server.requests[0]?.rawBody).toBe(run.server.requests[1]?.rawBody)
    expect(Object.keys(other)).toEqual(Object.keys(one))
  })

  test.each([
    ['openai', chatScript],
    ['anthropic', messageScript],
  ] as const)('%s: streams the same parts in the same order', async (name, script) => {
    await using run = await startMetered(sdk)
    run.server.serve(script, { times: 4 })
    const raw = name === 'openai' ? run.openai.chat('m') : run.anthropic('m')
    const metered = run.meter(raw, 'cus_1')
    const [one, other] = [await raw.doStream(callOptions), await metered.doStream(callOptions)]
    expect(Object.keys(other)).toEqual(Object.keys(one))
    expect(other.stream).toBeInstanceOf(ReadableStream)
    expect(timeless(await all(other.stream))).toEqual(timeless(await all(one.stream)))
    const full = (model: typeof raw) =>
      all(ai.streamText({ model, prompt: 'x' }).textStream as AsyncIterable<unknown>)
    expect(await full(metered)).toEqual(await full(raw))
  })

  test('embeds the same, and fails with the same error', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(embeddingList, { times: 2 })
    const raw = run.openai.textEmbeddingModel('e')
    const options = { values: ['x'] } as never
    expect(timeless(await run.meter(raw, 'cus_1').doEmbed(options))).toEqual(
      timeless(await raw.doEmbed(options)),
    )
    run.server.serve({ error: { message: 'bad key' } }, { status: 401, times: 2 })
    const failure = async (model: typeof raw) =>
      await Promise.resolve(model.doEmbed(options)).then(undefined, (error: unknown) => error)
    const [one, other] = [await failure(raw), await failure(run.meter(raw, 'cus_1'))]
    expect(timeless(other)).toEqual(timeless(one))
    expect((other as Error).constructor).toBe((one as Error).constructor)
  })

  test('is the model in every other respect', async () => {
    await using run = await startMetered(sdk)
    const raw = run.openai.chat('gpt-5.4')
    const metered = run.meter(raw, 'cus_1')
    expect(metered).toBeInstanceOf(raw.constructor)
    expect(metered.constructor).toBe(raw.constructor)
    expect(metered.provider).toBe('openai.chat')
    expect(metered.modelId).toBe('gpt-5.4')
    expect(metered.supportedUrls).toEqual(raw.supportedUrls)
    expect(metered.specificationVersion).toBe(raw.specificationVersion)
    expect(metered.doGenerate).toBe(metered.doGenerate)
    expect(metered.doGenerate.name).toBe('doGenerate')
    expect(Object.keys(metered)).toEqual(Object.keys(raw))
    expect('doStream' in metered).toBe(true)
  })

  test('wrapped again bills who was named last, once', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatCompletion, { times: 3 })
    const model = run.openai.chat('gpt-5.4')
    await run.meter(run.meter(model, 'cus_1'), 'cus_2').doGenerate(callOptions)
    const provider = run.meter(run.meter(run.openai, 'cus_1'), 'cus_3')
    await provider.chat('gpt-5.4').doGenerate(callOptions)
    await run.meter(provider.chat('gpt-5.4'), 'cus_4').doGenerate(callOptions)
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_2', 'cus_3', 'cus_4'])
  })
})

describe('a metered model', () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

  test('runs its own methods and getters: private fields work', async () => {
    await using run = await startMetered(sdk)
    const metered = run.meter(new StubModel(() => generated), 'cus_1')
    expect(metered.provider).toBe('openai.stub')
    expect(metered.describe()).toBe('openai.stub stub')
    expect(metered).toBeInstanceOf(StubModel)
    // The very object that the model answered.
    expect(await metered.doGenerate({})).toBe(generated)
    expect(run.records).toMatchObject([{ model: 'stub-2026-01-01', requestedModel: 'stub' }])
  })

  test('gives back the functions that are assigned to it', async () => {
    await using run = await startMetered(sdk)
    const metered = run.meter(new StubModel(() => generated), 'cus_1')
    const { doGenerate } = metered
    const spy = async () => generated
    metered.doGenerate = spy as never
    expect(metered.doGenerate).toBe(spy)
    metered.doGenerate = doGenerate
    expect(metered.doGenerate).toBe(doGenerate)
    await metered.doGenerate({})
    expect(run.records).toHaveLength(1)
  })

  test('pulls from the source as the caller does, and keeps nothing', async () => {
    await using run = await startMetered(sdk)
    const { stream: source, log } = partSource()
    const result = await run.meter(new StubModel(() => ({ stream: source })), 'cus_1').doStream({})
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(log.pulls).toBe(0)
    expect(source.locked).toBe(false)
    const reader = result.stream.getReader()
    for (let count = 1; count <= parts.length; count++) {
      // The very same part.
      expect((await reader.read()).value).toBe(parts[count - 1])
      expect(log.pulls).toBe(count)
    }
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    expect(run.records).toHaveLength(1)
  })

  test('overlapping reads ask the source for no more than raw, and keep their order', async () => {
    await using run = await startMetered(sdk)
    const play = async (stream: ReadableStream<unknown>) => {
      const reader = stream.getReader()
      const reads = await Promise.all(Array.from({ length: 4 }, () => reader.read()))
      await new Promise((resolve) => setTimeout(resolve, 5))
      return reads.map(({ value }) => value)
    }
    const slow = { delayMs: () => 1 }
    const [raw, metered] = [partSource(parts, slow), partSource(parts, slow)]
    const model = run.meter(new StubModel(() => ({ stream: metered.stream })), 'cus_1')
    expect(await play((await model.doStream({})).stream)).toEqual(await play(raw.stream))
    expect(metered.log).toEqual(raw.log)
    expect(metered.log.pulls).toBe(4)
  })

  test("passes on the source's own error, and leaves the model's answer as it was", async () => {
    await using run = await startMetered(sdk)
    const failure = new Error('cut')
    const { stream: source } = partSource(parts.slice(0, 3), { failure })
    const answer = Object.freeze({ stream: source, request: { body: {} } })
    const result = await run.meter(new StubModel(() => answer), 'cus_1').doStream({})
    expect(answer.stream).toBe(source)
    expect((result as typeof answer).request).toBe(answer.request)
    const error = await all(result.stream).catch((reason: unknown) => reason)
    expect(error).toBe(failure)
  })

  test('works as a mock that answers at once, or the same object again', async () => {
    await using run = await startMetered(sdk)
    const mock = {
      specificationVersion: 'v4',
      provider: 'mock',
      modelId: 'mock-1',
      supportedUrls: {},
      doGenerate: ({ prompt }: { prompt: object[] }): object =>
        prompt.length > 0 ? {} : generated,
      doStream: undefined,
    }
    const metered = run.meter(mock, 'cus_1')
    const options = { prompt: [] }
    expect(metered.doGenerate(options)).toBe(generated)
    metered.doGenerate(options)
    expect(run.records).toHaveLength(2)
    const frozen = run.meter(Object.freeze({ ...mock }), 'cus_1')
    expect(frozen.doGenerate(options)).toBe(generated)
    expect(run.errors.at(-1)?.message).toMatch(/frozen model cannot be metered/)
  })

  test('a model id is refused, with a word on what to do', async () => {
    await using run = await startMetered(sdk)
    expect(() => run.meter('openai/gpt-5' as never, 'cus_1')).toThrow(
      /for a model id such as 'openai\/gpt-5' pass the model object: gateway\('openai\/gpt-5'\)/,
    )
    expect(() => run.meter({} as never, 'cus_1')).toThrow(TypeError)
    expect(() => run.meter((() => {}) as never, 'cus_1')).toThrow(/got a function/)
  })
})

test('the whole of a message is as raw', async () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]
  await using run = await startMetered(sdk)
  run.server.serve(message, { times: 2 })
  const model = run.anthropic('claude-sonnet-4-6')
  const [one, other] = [
    await sdk.ai.generateText({ model, prompt: 'x' }),
    await sdk.ai.generateText({ model: run.meter(model, 'cus_1'), prompt: 'x' }),
  ]
  expect(other.text).toBe(one.text)
  expect(other.totalUsage).toEqual(one.totalUsage)
})
