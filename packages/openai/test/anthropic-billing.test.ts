import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { chatRequest } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

/** Anthropic's own `/v1/chat/completions`. */
const atAnthropic = { provider: 'anthropic' } as const
const usage = { prompt_tokens: 2863, completion_tokens: 1, total_tokens: 2864 }
const tokens = { input: 2863, cachedInput: 0, cachedWrite: 0, output: 1 }
const model = 'claude-fable-5'

interface Refusal {
  readonly reason?: string
  readonly details?: object
  readonly content?: string | null
  readonly message?: object
}

const whole = ({ reason = 'content_filter', details, content = null, message }: Refusal) => ({
  id: 'msg_1',
  object: 'chat.completion',
  model,
  choices: [
    { index: 0, message: { role: 'assistant', content, ...message }, finish_reason: reason },
  ],
  usage,
  ...(details !== undefined && { stop_details: details }),
})

function script({ reason = 'content_filter', details, content = '', message }: Refusal) {
  const chunk = (delta: object, rest: object = {}) => ({
    id: 'msg_1',
    object: 'chat.completion.chunk',
    model,
    choices: [{ index: 0, delta, finish_reason: null, ...rest }],
  })
  return [
    chunk({ role: 'assistant', content: '' }),
    ...(content ? [chunk({ content })] : []),
    ...(message === undefined ? [] : [chunk(message)]),
    chunk({}, { finish_reason: reason, ...(details !== undefined && { stop_details: details }) }),
    { id: 'msg_1', object: 'chat.completion.chunk', model, choices: [], usage },
  ]
}

describe.each(sdkMajors)("Anthropic's chat completions, openai $major", ({ OpenAI }) => {
  async function unbilledOf(refusal: Refusal, provider = 'anthropic') {
    await using run = await startMetered(OpenAI, { provider })
    run.server.serve(whole(refusal))
    run.server.serve(script(refusal))
    await run.metered.chat.completions.create(chatRequest)
    const stream = await run.metered.chat.completions.create({
      ...chatRequest,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const _ of stream);
    expect(run.records).toMatchObject([{ tokens }, { tokens }])
    const [first, second] = run.records.map(({ unbilled }) => unbilled)
    expect(first).toBe(second)
    return { unbilled: first, errors: run.errors }
  }

  test.each<[string, Refusal, string | undefined]>([
    ['without a category', {}, 'refusal:null'],
    ['as a refusal by name', { reason: 'refusal' }, 'refusal:null'],
    ['with a text of why', { message: { refusal: 'I may not' } }, 'refusal:null'],
    ['for cyber', { details: { category: 'cyber' } }, 'refusal:cyber'],
    ['for bio', { details: { category: 'bio' } }, undefined],
    ['after some text', { content: 'First,' }, undefined],
    ['after some thought', { message: { reasoning_content: 'Hm' } }, undefined],
    ['that is none', { reason: 'stop' }, undefined],
  ])('a refusal %s', async (_, refusal, expected) => {
    const { unbilled, errors } = await unbilledOf(refusal)
    expect(unbilled).toBe(expected)
    expect(errors).toEqual([])
  })

  test('a category that nobody knows is billed, and told', async () => {
    const { unbilled, errors } = await unbilledOf({ details: { category: 'new_harm' } })
    expect(unbilled).toBeUndefined()
    expect(errors).toHaveLength(2)
    expect(errors[0]?.message).toContain('"new_harm"')
  })

  test.each(['openai', 'azure', 'openrouter'])('of %s is billed', async (provider) => {
    expect((await unbilledOf({}, provider)).unbilled).toBeUndefined()
  })

  test("linked billing is the customer's own, unless by option", async () => {
    const billing_policy = { type: 'billing_policy', bill_to: 'user_profile' }
    const linked = { ...chatRequest, billing_policy } as typeof chatRequest
    for (const [options, expected] of [
      [atAnthropic, 'linked'],
      [{ ...atAnthropic, billLinked: true }, undefined],
      [{}, undefined],
    ] as const) {
      await using run = await startMetered(OpenAI, options)
      run.server.serve(whole({ reason: 'stop', content: 'hi' }))
      await run.metered.chat.completions.create(linked)
      expect(run.records.map(({ unbilled }) => unbilled)).toEqual([expected])
    }
  })
})
