import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { drain, eventsOf, said } from './refusal-scripts.ts'
import { message, request, streamed } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const fallback = (from: string, to: string, category?: unknown) => ({
  type: 'fallback',
  from: { model: from },
  to: { model: to },
  ...(category !== undefined && { trigger: { type: 'refusal', category } }),
})
const attempt = (type: string, model: string, input: number, output: number) => ({
  type,
  model,
  input_tokens: input,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  output_tokens: output,
})

describe('attempts that another model took over', () => {
  const [{ Anthropic }] = sdkMajors.slice(-1) as [(typeof sdkMajors)[number]]

  async function record(
    content: readonly object[],
    iterations: readonly object[],
    end: object = { stop_reason: 'end_turn', stop_details: null },
  ) {
    await using run = await startMetered(Anthropic)
    const counts = { input_tokens: 412, output_tokens: 264, iterations }
    run.server.serve({ ...message, content, ...end, usage: { ...counts } })
    run.server.serve(eventsOf(content, end, counts))
    await run.metered.beta.messages.create(request)
    const whole = run.records.splice(0).map(({ model, unbilled }) => [model, unbilled])
    await drain(await run.metered.beta.messages.create(streamed))
    expect(run.records.map(({ model, unbilled }) => [model, unbilled])).toEqual(whole)
    return { attempts: whole, errors: run.errors }
  }

  test('are not billed where they were declined before any output', async () => {
    const { attempts } = await record(
      [fallback('a', 'b', 'cyber'), fallback('b', 'c', 'bio'), said],
      [
        attempt('message', 'a', 408, 1),
        attempt('fallback_message', 'b', 409, 5),
        attempt('fallback_message', 'c', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', 'refusal:cyber'],
      ['b', undefined],
      ['c', undefined],
    ])
  })

  test('are billed where they had put something out', async () => {
    const { attempts } = await record(
      [said, fallback('a', 'b', 'cyber'), fallback('b', 'c', null), said],
      [
        attempt('message', 'a', 408, 30),
        attempt('fallback_message', 'b', 409, 0),
        attempt('fallback_message', 'c', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['b', 'refusal:null'],
      ['c', undefined],
    ])
  })

  test('of several iterations are one', async () => {
    const { attempts } = await record(
      [
        { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
        fallback('a', 'b', 'cyber'),
        said,
      ],
      [
        attempt('message', 'a', 408, 30),
        attempt('message', 'a', 600, 0),
        attempt('fallback_message', 'b', 412, 264),
      ],
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['a', undefined],
      ['b', undefined],
    ])
  })

  test('without a block that says why have no category', async () => {
    const iterations = [
      attempt('message', 'a', 408, 1),
      attempt('fallback_message', 'b', 409, 7),
      attempt('fallback_message', 'c', 412, 264),
    ]
    const expected = [
      ['a', 'refusal:null'],
      ['b', undefined],
      ['c', undefined],
    ]
    expect((await record([said], iterations)).attempts).toEqual(expected)
    expect((await record([fallback('a', 'c'), said], iterations)).attempts).toEqual(expected)
  })

  test('and the last one, which refuses too', async () => {
    const { attempts, errors } = await record(
      [fallback('a', 'b', 'new_harm')],
      [attempt('message', 'a', 408, 0), attempt('fallback_message', 'b', 412, 264)],
      { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'general_harms' } },
    )
    expect(attempts).toEqual([
      ['a', undefined],
      ['b', 'refusal:general_harms'],
    ])
    expect(errors).toHaveLength(2)
    expect(errors[0]?.message).toContain('"new_harm"')
  })

  test('an advisor that was asked is billed whatever came of it', async () => {
    const { attempts } = await record([], [attempt('advisor_message', 'x', 100, 20)], {
      stop_reason: 'refusal',
      stop_details: { type: 'refusal', category: 'cyber' },
    })
    expect(attempts).toEqual([
      ['x', undefined],
      [message.model, 'refusal:cyber'],
    ])
  })
})
