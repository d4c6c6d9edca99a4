import {
  anything,
  array,
  assert,
  constantFrom,
  double,
  integer,
  oneof,
  option,
  property,
  record,
  string,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messagesUsage } from './messages.ts'

const counts = (input: number, output: number, cachedInput = 0, cachedWrite = 0) => ({
  input,
  cachedInput,
  cachedWrite,
  output,
})
const wire = (input: number, output: number, read = 0, written = 0) => ({
  input_tokens: input,
  cache_read_input_tokens: read,
  cache_creation_input_tokens: written,
  output_tokens: output,
})

/** What readings come to, by model. */
const byModel = (usage: unknown, model?: string) =>
  messagesUsage(usage, model).map((reading) => [reading.model, reading.tokens])

describe('one message', () => {
  test.each([
    ['no cache', { input_tokens: 12, output_tokens: 29 }, { input: 12, output: 29 }],
    [
      'cache outside of the input (litellm#6575)',
      wire(10, 50, 1000, 100),
      counts(10, 50, 1000, 100),
    ],
    [
      'nulls stay unknown, which is not zero',
      { ...wire(10, 50), cache_read_input_tokens: null, cache_creation_input_tokens: null },
      { input: 10, cachedInput: undefined, cachedWrite: undefined, output: 50 },
    ],
    [
      'the split alone adds up to the cache write',
      {
        input_tokens: 1,
        output_tokens: 2,
        cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
      },
      { input: 1, output: 2, cachedWrite: 100 },
    ],
    ['no output yet', { input_tokens: 1 }, { input: 1, output: undefined }],
    ['64-bit counts as text', { input_tokens: '12', output_tokens: '3' }, { input: 12, output: 3 }],
    ['fractions', { input_tokens: 1.2, output_tokens: 3 }, { input: 2, output: 3 }],
    ['negative', { input_tokens: -1, output_tokens: 3 }, { input: undefined, output: 3 }],
  ])('%s', (_, usage, tokens) => {
    expect(messagesUsage(usage, 'm')).toMatchObject([{ model: 'm', tokens, raw: usage }])
  })

  test('details are subsets, and all that decides the price is kept', () => {
    const usage = {
      ...wire(10, 50, 0, 100),
      cache_creation: { ephemeral_5m_input_tokens: 60, ephemeral_1h_input_tokens: 40 },
      output_tokens_details: { thinking_tokens: 20 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'priority',
      speed: 'fast',
      inference_geo: 'us',
    }
    expect(messagesUsage(usage)).toMatchObject([
      {
        serviceTier: 'priority',
        details: {
          cachedWrite5m: 60,
          cachedWrite1h: 40,
          reasoning: 20,
          webSearchRequests: 2,
          webFetchRequests: 1,
          speed: 'fast',
          inferenceGeo: 'us',
        },
        problems: [],
      },
    ])
  })

  test('a split that is more than its whole is reported, and left out', () => {
    const usage = { ...wire(1, 2, 0, 50), cache_creation: { ephemeral_5m_input_tokens: 60 } }
    const [reading] = messagesUsage(usage)
    expect(reading).toMatchObject({ tokens: { cachedWrite: 50 }, details: {} })
    expect(reading?.problems).toEqual([expect.stringMatching(/adds up to 60/)])
  })

  test.each([undefined, null])('%s is unknown', (usage) => {
    expect(messagesUsage(usage, 'm')).toMatchObject([{ model: 'm', raw: undefined }])
  })
})

describe('iterations', () => {
  test('messages are inside the whole already', () => {
    const iterations = [
      { type: 'message', model: 'm', ...wire(1, 2) },
      { type: 'message', model: null, ...wire(3, 4) },
    ]
    expect(byModel({ ...wire(4, 6), iterations }, 'm')).toEqual([['m', counts(4, 6)]])
  })

  test('a compaction is added at the same model, split and all', () => {
    const written = { cache_creation: { ephemeral_1h_input_tokens: 7 } }
    const iterations = [
      { type: 'compaction', ...wire(60_385, 592, 5, 7), ...written },
      { type: 'message', ...wire(682, 1320) },
    ]
    const usage = { ...wire(682, 1320), iterations }
    expect(byModel(usage, 'm')).toEqual([['m', counts(61_067, 1912, 5, 7)]])
    expect(messagesUsage(usage)[0]?.details).toEqual({ cachedWrite1h: 7 })
  })

  test('an advisor is a reading of its own model', () => {
    const advisor = { type: 'advisor_message', model: 'claude-opus-5', ...wire(100, 20, 3) }
    const usage = { ...wire(10, 5), service_tier: 'standard', iterations: [advisor] }
    expect(byModel(usage, 'm')).toEqual([
      ['claude-opus-5', counts(100, 20, 3)],
      ['m', counts(10, 5)],
    ])
    expect(messagesUsage(usage)[0]).toMatchObject({ raw: advisor, serviceTier: 'standard' })
  })

  test('a fallback serves at its own model, and earlier attempts bill at theirs', () => {
    const iterations = [
      { type: 'message', model: 'a', ...wire(408, 0) },
      { type: 'fallback_message', model: 'b', ...wire(409, 3) },
      { type: 'fallback_message', model: 'c', ...wire(412, 264) },
    ]
    // A stream began as the first model; a whole response names the last.
    for (const model of ['a', 'c']) {
      expect(byModel({ ...wire(412, 264), iterations }, model)).toEqual([
        ['a', counts(408, 0)],
        ['b', counts(409, 3)],
        ['c', counts(412, 264)],
      ])
    }
  })

  test('an attempt without a model is the requested one', () => {
    const iterations = [
      { type: 'message', model: null, ...wire(408, 0) },
      { type: 'fallback_message', model: 'b', ...wire(412, 264) },
    ]
    expect(byModel({ ...wire(412, 264), iterations }, 'b').map(([model]) => model)).toEqual([
      undefined,
      'b',
    ])
  })

  test('turns of the serving model after the fallback are inside the whole', () => {
    const iterations = [
      { type: 'message', model: 'a', ...wire(1, 0) },
      { type: 'fallback_message', model: 'b', ...wire(2, 2) },
      { type: 'message', model: 'b', ...wire(3, 3) },
    ]
    expect(byModel({ ...wire(5, 5), iterations }, 'a')).toEqual([
      ['a', counts(1, 0)],
      ['b', counts(5, 5)],
    ])
  })
})

const oddCount = oneof(
  integer({ min: -5, max: 5_000_000 }),
  double(),
  string(),
  constantFrom(null, undefined, '17', {}, []),
)
const oddUsage = record({
  input_tokens: oddCount,
  cache_read_input_tokens: oddCount,
  cache_creation_input_tokens: oddCount,
  output_tokens: oddCount,
  cache_creation: option(
    record({ ephemeral_5m_input_tokens: oddCount, ephemeral_1h_input_tokens: oddCount }),
  ),
  output_tokens_details: option(record({ thinking_tokens: oddCount })),
  iterations: option(
    array(
      record({
        type: constantFrom('message', 'compaction', 'advisor_message', 'fallback_message', 'x'),
        model: constantFrom('a', 'b', null, 7),
        input_tokens: oddCount,
        output_tokens: oddCount,
      }),
      { maxLength: 4 },
    ),
  ),
})

test('whatever is answered, counts are whole and not negative, details within them, and nothing throws', () => {
  assert(
    property(oneof(oddUsage, anything()), (usage) => {
      const readings = messagesUsage(usage, 'm')
      expect(readings.length).toBeGreaterThan(0)
      for (const { tokens, details } of readings) {
        for (const count of Object.values(tokens)) {
          expect(count === undefined || (Number.isSafeInteger(count) && count >= 0)).toBe(true)
        }
        expect((details.cachedWrite5m ?? 0) + (details.cachedWrite1h ?? 0)).toBeLessThanOrEqual(
          tokens.cachedWrite ?? 0,
        )
        expect(details.reasoning ?? 0).toBeLessThanOrEqual(tokens.output ?? 0)
      }
    }),
    { numRuns: 2000 },
  )
})

const count = integer({ min: 0, max: 1_000_000 })
const wireUsage = record({
  input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens: count,
})
type WireUsage = Readonly<Record<string, number>>
const total = (usage: WireUsage) => Object.values(usage).reduce((sum, value) => sum + value, 0)

test('readings add up to what the provider bills: the whole, compactions, advisors and blocked attempts', () => {
  const entry = (type: string, model: string | null) => (usage: WireUsage) => ({
    type,
    model,
    ...usage,
  })
  assert(
    property(wireUsage, array(wireUsage), array(wireUsage), array(wireUsage), (served, a, b, c) => {
      const extra = [
        ...a.map(entry('compaction', null)),
        ...b.map(entry('advisor_message', 'advisor')),
        ...c.map(entry('message', 'blocked')),
      ]
      const iterations = [...extra, entry('fallback_message', 'served')(served)]
      const readings = messagesUsage({ ...served, iterations }, 'blocked')
      const read = readings.reduce((sum, { tokens }) => sum + total(tokens as WireUsage), 0)
      expect(read).toBe([served, ...a, ...b, ...c].reduce((sum, usage) => sum + total(usage), 0))
    }),
  )
})

describe('of how many requests a message is the sum', () => {
  const iteration = (type: string, input: number, output: number) => ({
    type,
    ...wire(input, output),
  })

  test('its iterations are known one by one, and the compaction is one of them', () => {
    const iterations = [iteration('compaction', 180_000, 3500), iteration('message', 23_000, 1000)]
    const [reading] = messagesUsage({ ...wire(23_000, 1000), iterations }, 'm')
    expect(reading).toMatchObject({
      tokens: counts(203_000, 4500),
      requests: 2,
      parts: [{ tokens: counts(180_000, 3500) }, { tokens: counts(23_000, 1000) }],
    })
  })

  test.each([
    ['none', {}, undefined],
    ['the only one', { iterations: [iteration('message', 4, 6)] }, undefined],
    ['two that are not the whole', { iterations: Array(2).fill(iteration('message', 1, 6)) }, 2],
    ['a tool between them', { server_tool_use: { web_search_requests: 2 } }, null],
    ['no tool', { server_tool_use: { web_search_requests: 0 } }, undefined],
  ])('%s', (_, more, requests) => {
    const [reading] = messagesUsage({ ...wire(4, 6), ...more }, 'm')
    expect(reading?.requests).toBe(requests)
    expect(reading).not.toHaveProperty('parts')
  })

  test('a stated cost is the cost of the message, 0 included, and never that of LiteLLM', () => {
    const usage = { ...wire(4, 6), cost: 0 }
    expect(messagesUsage(usage, 'm', { provider: 'openrouter' })[0]?.details).toEqual({
      providerCostUsd: 0,
    })
    expect(messagesUsage(usage, 'm', { provider: 'litellm' })[0]?.details).toEqual({})
  })
})
