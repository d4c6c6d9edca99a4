import { describe, expect, test } from 'vitest'
import { messagesUsage } from './messages.ts'
import { StreamUsage } from './stream-usage.ts'

type Step = readonly ['start' | 'delta', object | null | undefined]

function after(...steps: readonly Step[]) {
  const stream = new StreamUsage()
  for (const [event, usage] of steps) stream[event](usage)
  return { stream, tokens: messagesUsage(stream.usage)[0]?.tokens }
}

const start = {
  input_tokens: 25,
  cache_creation_input_tokens: 5,
  cache_read_input_tokens: 7,
  output_tokens: 1,
}

describe('the usage of a stream', () => {
  test.each<[string, Step[], object]>([
    [
      'totals replace and are never added (tensorzero#5481)',
      [
        ['start', start],
        ['delta', { output_tokens: 15 }],
      ],
      { input: 25, cachedWrite: 5, cachedInput: 7, output: 15 },
    ],
    [
      'a revised input wins (stripe/ai#519)',
      [
        ['start', start],
        ['delta', { input_tokens: 10_682, output_tokens: 15 }],
      ],
      { input: 10_682, cachedWrite: 5, output: 15 },
    ],
    [
      'nulls keep what is known',
      [
        ['start', start],
        ['delta', { input_tokens: null, cache_read_input_tokens: null, output_tokens: 15 }],
      ],
      { input: 25, cachedInput: 7, output: 15 },
    ],
    [
      'a gateway that knows only in the end (rust-genai#258)',
      [
        ['start', { input_tokens: 0, output_tokens: 0 }],
        ['delta', { input_tokens: 9, cache_read_input_tokens: 3, output_tokens: 4 }],
      ],
      { input: 9, cachedInput: 3, output: 4 },
    ],
    [
      'a gateway that knows only in the beginning',
      [
        ['start', start],
        ['delta', { input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 4 }],
      ],
      { input: 25, cachedInput: 7, output: 4 },
    ],
    [
      'input that turns out to be cached',
      [
        ['start', { input_tokens: 100, cache_read_input_tokens: 0 }],
        ['delta', { input_tokens: 0, cache_read_input_tokens: 100, output_tokens: 4 }],
      ],
      { input: 0, cachedInput: 100, output: 4 },
    ],
    [
      '50 running totals are the last one (langchainjs#10164)',
      [
        ['start', start],
        ...Array.from({ length: 50 }, (_, at): Step => ['delta', { output_tokens: at }]),
      ],
      { input: 25, output: 49 },
    ],
    [
      'a start that comes twice',
      [
        ['start', start],
        ['start', start],
        ['delta', { output_tokens: 9 }],
      ],
      { input: 25, output: 9 },
    ],
    [
      'a start that comes late',
      [
        ['start', start],
        ['delta', { output_tokens: 9 }],
        ['start', start],
      ],
      { input: 25, output: 9 },
    ],
    [
      'no delta: the first output count means nothing',
      [['start', start]],
      { input: 25, output: undefined },
    ],
  ])('%s', (_, steps, tokens) => {
    expect(after(...steps).tokens).toMatchObject(tokens)
  })

  test('what the delta lacks stays: the split, the tier, the place and the speed', () => {
    const { stream } = after(
      [
        'start',
        {
          ...start,
          cache_creation: { ephemeral_5m_input_tokens: 5 },
          service_tier: 'priority',
          speed: 'fast',
        },
      ],
      ['delta', { output_tokens: 9 }],
    )
    expect(messagesUsage(stream.usage)).toMatchObject([
      { serviceTier: 'priority', details: { cachedWrite5m: 5, speed: 'fast' } },
    ])
  })

  test.each([undefined, null, {}])('nothing of %j', (usage) => {
    const { stream } = after(['start', usage], ['delta', usage])
    expect([stream.usage, stream.outputSeen]).toEqual([undefined, false])
  })

  test('a start that comes behind a delta tells only what is not known yet', () => {
    const usage = new StreamUsage()
    usage.delta({ input_tokens: 20, output_tokens: 5 })
    usage.start({
      input_tokens: 10,
      cache_read_input_tokens: 7,
      output_tokens: 1,
      service_tier: 'standard',
    })
    expect(usage.usage).toEqual({
      input_tokens: 20,
      cache_read_input_tokens: 7,
      output_tokens: 5,
      service_tier: 'standard',
    })
  })
})
