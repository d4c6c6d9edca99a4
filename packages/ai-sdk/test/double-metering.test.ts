import { describe, expect, test } from 'vitest'
import { meterMiddleware } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { callOptions, chatCompletion, chatScript } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { generated, parts, partSource, type StreamPart, StubModel, usage } from './stub-models.ts'

/** A model around another that makes every part anew and passes on nothing but the stream. */
function copying(inner: StubModel): StubModel {
  const outer = new StubModel(() => generated)
  outer.doStream = async (options) => {
    const { stream } = await inner.doStream(options)
    const copied = new TransformStream<StreamPart, StreamPart>({
      transform: (part, to) => to.enqueue({ ...part }),
    })
    return { stream: stream.pipeThrough(copied) }
  }
  return outer
}

describe.each(sdkMajors)('metered twice on the way, ai $major', (sdk) => {
  test('an answer that cannot be parsed is recorded once', async () => {
    await using run = await startMetered(sdk)
    run.server.serve({ ...chatCompletion, choices: 'odd' })
    const model = sdk.ai.wrapLanguageModel({
      model: run.meter(run.openai.chat('gpt-5.4'), 'cus_inner'),
      middleware: meterMiddleware('cus_outer', { meter: run.meter }),
    })
    await expect(model.doGenerate(callOptions)).rejects.toMatchObject({ statusCode: 200 })
    expect(run.records.map(({ customer }) => customer)).toEqual(['cus_inner'])
  })

  test('a call that the reader of a stream makes is no call inside it', async () => {
    await using run = await startMetered(sdk)
    run.server.serve(chatScript, { times: 2 })
    const model = run.meter(run.openai.chat('gpt-5.4'), 'cus_1')
    for await (const text of sdk.ai.streamText({ model, prompt: 'x' }).textStream) {
      if (text.startsWith('1')) await sdk.ai.streamText({ model, prompt: 'y' }).text
    }
    expect(run.records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
  })
})

describe('metered twice around a model that copies its parts', () => {
  const sdk = sdkMajors[2] as (typeof sdkMajors)[number]

  test.each(['cut', 'cancelled'])('%s: one estimate', async (how) => {
    await using run = await startMetered(sdk)
    const failure = new Error('cut')
    const { stream: source } = partSource(parts.slice(0, 5), { failure })
    const inner = run.meter(new StubModel(() => ({ stream: source })), 'cus_1')
    const { stream } = await run.meter(copying(inner), 'cus_2').doStream(callOptions)
    const reader = stream.getReader()
    for (let count = 0; count < 4; count++) await reader.read()
    if (how === 'cancelled') await reader.cancel()
    else await expect(reader.read().then(() => reader.read())).rejects.toBe(failure)
    expect(run.records).toMatchObject([{ customer: 'cus_1', outcome: 'estimated' }])
  })

  test.each(['read on', 'left'])(
    'an outer answer of its own, finished and %s, counts beside',
    async (how) => {
      await using run = await startMetered(sdk)
      const side = run.meter(new StubModel(() => ({ stream: partSource().stream })), 'cus_side')
      const outer = new StubModel(() => generated)
      outer.doStream = async (options) => {
        for await (const _ of (await side.doStream(options)).stream);
        const own = parts.map((part) => ({
          ...part,
          ...('usage' in part && { usage: { ...usage } }),
        }))
        return { stream: partSource(own).stream }
      }
      const { stream } = await run.meter(outer, 'cus_1').doStream(callOptions)
      for await (const { type } of stream) if (type === 'finish' && how === 'left') break
      expect(run.records).toMatchObject([
        { customer: 'cus_side' },
        { customer: 'cus_1', outcome: 'complete' },
      ])
    },
  )
})
