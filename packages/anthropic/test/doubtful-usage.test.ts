import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { startMetered } from './metered.ts'
import { message } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const words = 'The keeper lit the lamp. '.repeat(24)
const nothing = { input_tokens: 0, output_tokens: 0 }
const request = {
  model: 'claude-asked',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: words }],
}

const start = (usage: object, id = 'msg_1'): ReplayEvent => ({
  type: 'message_start',
  message: { ...message, id, content: [], usage },
})
const text: ReplayEvent = {
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text: words },
}
const block: ReplayEvent = {
  type: 'content_block_start',
  index: 0,
  content_block: { type: 'text', text: '' },
}
const delta = (usage: object): ReplayEvent => ({
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage,
})
const stop: ReplayEvent = { type: 'message_stop' }

const { Anthropic } = sdkMajors.at(-1)!

async function streamed(...events: readonly ReplayEvent[]) {
  await using run = await startMetered(Anthropic)
  run.server.serve([...events, stop])
  for await (const _ of await run.metered.messages.create({ ...request, stream: true }));
  return { records: run.records, messages: run.errors.map(({ message: said }) => said) }
}

describe('nothing counted', () => {
  test('of the input, by a gateway whose stream breaks off', async () => {
    await using run = await startMetered(Anthropic)
    run.server.serve([start(nothing), block, text, delta({ output_tokens: 9 }), stop], {
      cutAfterEvents: 3,
    })
    try {
      for await (const _ of await run.metered.messages.create({ ...request, stream: true }));
    } catch {
      // The connection is gone.
    }
    expect(run.records).toMatchObject([{ details: { estimated: ['input', 'output'] } }])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(90)
  })
})

const known = { input_tokens: 900, cache_read_input_tokens: 70, output_tokens: 1 }

describe('of several usages', () => {
  test.each<[string, ReplayEvent[], object]>([
    [
      'zeros take nothing away',
      [delta({ output_tokens: 40 }), delta(nothing)],
      { input: 900, cachedInput: 70, output: 40 },
    ],
    [
      'nor does an empty one',
      [delta({ output_tokens: 40 }), delta({})],
      { input: 900, output: 40 },
    ],
    [
      'nor a zero beside another count',
      [delta({ input_tokens: 900, cache_read_input_tokens: 0, output_tokens: 40 })],
      { input: 900, cachedInput: 70, output: 40 },
    ],
    [
      'a smaller count is a count',
      [delta({ output_tokens: 158 }), delta({ output_tokens: 41 })],
      { output: 41 },
    ],
    [
      'a message begins afresh',
      [
        delta({ input_tokens: 1630, output_tokens: 158 }),
        start({ input_tokens: 1040, output_tokens: 1 }, 'msg_2'),
        delta({ output_tokens: 41 }),
      ],
      { input: 1040, cachedInput: 0, output: 41 },
    ],
    [
      'also where it has the same id',
      [
        delta({ input_tokens: 1630, output_tokens: 158 }),
        start({ input_tokens: 1040, output_tokens: 1 }),
        delta({ output_tokens: 41 }),
      ],
      { input: 1040, cachedInput: 0, output: 41 },
    ],
    [
      'a start that only comes late takes nothing away',
      [delta({ output_tokens: 40 }), start(known)],
      { input: 900, output: 40 },
    ],
    [
      'nor does an empty message at the end',
      [delta({ output_tokens: 40 }), start(nothing, 'msg_2')],
      { input: 900, output: 40 },
    ],
  ])('%s', async (_, events, tokens) => {
    const { records, messages } = await streamed(start(known), block, text, ...events)
    expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
    expect(messages).toEqual([])
  })
})
