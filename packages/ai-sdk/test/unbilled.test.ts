import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import type { AiSdkModel } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { callOptions } from './scripts.ts'
import { type SdkMajor, sdkMajors } from './sdk-majors.ts'

const usage = {
  input_tokens: 2863,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 100_000,
  output_tokens: 1,
}
const tokens = { input: 2863, cachedInput: 100_000, cachedWrite: 0, output: 1 }
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-fable-5',
  stop_sequence: null,
}
const said = { type: 'text', text: 'First,' }

interface Answer {
  readonly content?: readonly object[]
  readonly reason?: string
  readonly category?: string | null
  readonly counts?: object
}

const stop = ({ reason = 'refusal', category = null }: Answer) => ({
  stop_reason: reason,
  stop_sequence: null,
  stop_details: reason === 'refusal' ? { type: 'refusal', category, explanation: null } : null,
})

const whole = (answer: Answer) => ({
  ...message,
  content: answer.content ?? [],
  ...stop(answer),
  usage: answer.counts ?? usage,
})

function script(answer: Answer): readonly ReplayEvent[] {
  return [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage } },
    ...(answer.content ?? []).flatMap((block, index): ReplayEvent[] => [
      {
        type: 'content_block_start',
        index,
        content_block: { ...block, ...('text' in block && { text: '' }) },
      },
      ...('text' in block
        ? [{ type: 'content_block_delta', index, delta: { type: 'text_delta', text: block.text } }]
        : []),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: stop(answer), usage: answer.counts ?? usage },
    { type: 'message_stop' },
  ]
}

interface Playable extends AiSdkModel {
  doGenerate(options: object): Promise<unknown>
  doStream(options: object): Promise<{ stream: ReadableStream<unknown> }>
}

async function play(sdk: SdkMajor, answer: Answer) {
  await using run = await startMetered(sdk)
  run.server.serve(whole(answer))
  run.server.serve(script(answer), { times: 2 })
  const model = run.meter(run.anthropic('claude-fable-5') as AiSdkModel, 'cus_1') as Playable
  await model.doGenerate(callOptions)
  const take = () => run.records.splice(0)
  const generated = take()
  for await (const _ of (await model.doStream(callOptions)).stream);
  const streamed = take()
  const raw = { ...(callOptions as object), includeRawChunks: true }
  for await (const _ of (await model.doStream(raw)).stream);
  return { ways: [generated, streamed, take()], errors: run.errors }
}

describe.each(sdkMajors)('what Anthropic does not bill, ai $major', (sdk) => {
  test.each<[string, Answer, string | undefined]>([
    ['for cyber', { category: 'cyber' }, 'refusal:cyber'],
    ['for nothing named', {}, 'refusal:null'],
    ['for bio', { category: 'bio' }, undefined],
    ['after some text', { category: 'cyber', content: [said] }, undefined],
    ['that is none', { reason: 'end_turn', content: [said] }, undefined],
    ['that is none and empty', { reason: 'end_turn' }, undefined],
  ])('a refusal %s', async (_, answer, unbilled) => {
    const { ways, errors } = await play(sdk, answer)
    for (const records of ways) {
      expect(records).toMatchObject([{ tokens, outcome: 'complete', provider: 'anthropic' }])
      expect(records[0]?.unbilled).toBe(unbilled)
    }
    expect(errors).toEqual([])
  })

  test('a category that nobody knows is billed, and told', async () => {
    const { ways, errors } = await play(sdk, { category: 'new_harm' })
    for (const records of ways) expect(records[0]).not.toHaveProperty('unbilled')
    expect(errors).toHaveLength(3)
    for (const { message: told } of errors) expect(told).toContain('"new_harm"')
  })

  const attempt = (type: string, model: string, output_tokens: number) => ({
    type,
    model,
    input_tokens: 400,
    output_tokens,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  })

  test('an attempt that another model took over', async () => {
    const fallback = {
      type: 'fallback',
      from: { model: 'claude-fable-5' },
      to: { model: 'claude-opus-5' },
      trigger: { type: 'refusal', category: 'cyber' },
    }
    const iterations = [
      attempt('message', 'claude-fable-5', 1),
      attempt('fallback_message', 'claude-opus-5', 1),
    ]
    const { ways } = await play(sdk, {
      reason: 'end_turn',
      content: [fallback, said],
      counts: { ...usage, iterations },
    })
    // Parts of a stream do not say why the first model stopped.
    for (const [index, category] of ['cyber', 'null', 'cyber'].entries()) {
      expect(ways[index]?.map(({ model, unbilled }) => [model, unbilled])).toEqual([
        ['claude-fable-5', `refusal:${category}`],
        ['claude-opus-5', undefined],
      ])
    }
  })

  test("and one at Anthropic's chat completions", async () => {
    await using run = await startMetered(sdk)
    const counts = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 }
    run.server.serve({
      id: 'msg_1',
      model: 'claude-fable-5',
      created: 1,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: null },
          finish_reason: 'content_filter',
        },
      ],
      usage: counts,
    })
    const model = run.openai.chat('claude-fable-5') as AiSdkModel
    const metered = run.meter(model, 'cus_1', { provider: 'anthropic' }) as Playable
    await metered.doGenerate(callOptions)
    expect(run.records).toMatchObject([{ unbilled: 'refusal:null' }])
  })
})
