import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { type Metered, startMetered } from './metered.ts'
import { chatCompletion, chatRequest, toolCallCompletion } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const [, , , sdk7] = sdkMajors
const { OpenAI } = sdk7 ?? sdkMajors[0]!

/** 600 characters, about 120 tokens. */
const words = 'The keeper lit the lamp. '.repeat(24)
const nothing = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
const good = { prompt_tokens: 900, completion_tokens: 40, total_tokens: 940 }

const answer = (usage: object | null, content = words): ReplayEvent => ({
  ...chatCompletion,
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
  usage,
})
const stream = (...usages: readonly (object | null)[]): readonly ReplayEvent[] => {
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm-1' }
  return [
    { ...chunk, choices: [{ index: 0, delta: { content: words }, finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ...usages.map((usage) => ({ ...chunk, choices: [], usage })),
  ]
}
const response = (
  usage: object | null,
  output: readonly object[],
  fields: object = {},
): ReplayEvent => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  model: 'm-1',
  status: 'completed',
  output,
  usage,
  ...fields,
})
const said = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: words }] }
const called = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{"sku":"sku_123"}' }
const noResponse = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }

type Way = (run: Metered) => Promise<void>
const chat =
  (body: ReplayEvent): Way =>
  async (run) => {
    run.server.serve(body)
    await run.metered.chat.completions.create(chatRequest)
  }
const chatStream =
  (...usages: readonly (object | null)[]): Way =>
  async (run) => {
    run.server.serve(stream(...usages))
    const chunks = await run.metered.chat.completions.create({ ...chatRequest, stream: true })
    for await (const _ of chunks);
  }
const responses =
  (body: ReplayEvent): Way =>
  async (run) => {
    run.server.serve(body)
    await run.metered.responses.create({ model: 'asked', input: 'hi' })
  }
const responsesStream =
  (body: ReplayEvent): Way =>
  async (run) => {
    run.server.serve([
      { type: 'response.created', response: { ...body, usage: null, output: [] } },
      { type: 'response.output_text.delta', delta: words },
      { type: 'response.completed', response: body },
    ] as readonly ReplayEvent[])
    const events = await run.metered.responses.create({ model: 'asked', input: 'hi', stream: true })
    for await (const _ of events);
  }
const embeddings =
  (usage: object): Way =>
  async (run) => {
    const data = [{ object: 'embedding', index: 0, embedding: [0.5] }]
    run.server.serve({ object: 'list', model: 'e-1', data, usage })
    await run.metered.embeddings.create({ model: 'e-1', input: words, encoding_format: 'float' })
  }

async function metered(way: Way) {
  await using run = await startMetered(OpenAI)
  await way(run)
  return { records: run.records, messages: run.errors.map(({ message }) => message) }
}

describe('nothing counted', () => {
  test.each<[string, Way]>([
    ['chat', chat(answer(nothing))],
    ['chat, by one zero', chat(answer({ completion_tokens: 0, prompt_tokens: 0 }))],
    ['a chat stream', chatStream(nothing)],
    ['a response', responses(response(noResponse, [said]))],
    [
      'a response that failed after it had spoken',
      responses(response(noResponse, [said], { status: 'failed' })),
    ],
    ['a streamed response', responsesStream(response(noResponse, [said]))],
  ])('beside text is an estimate and reported: %s', async (_, way) => {
    const { records, messages } = await metered(way)
    expect(records).toMatchObject([
      { outcome: 'estimated', details: { estimated: ['input', 'output'] } },
    ])
    expect(records[0]?.tokens.output).toBeGreaterThan(90)
    expect(records[0]?.tokens.output).toBeLessThan(180)
    expect(records[0]?.tokens.input).toBeGreaterThan(0)
    expect(messages).toEqual([expect.stringContaining('its usage is 0')])
  })

  test.each<[string, Way]>([
    ['chat', chat({ ...toolCallCompletion, usage: nothing })],
    ['a response', responses(response(noResponse, [called]))],
  ])('beside a tool call alone is reported, and no record: %s', async (_, way) => {
    const { records, messages } = await metered(way)
    expect(records).toEqual([])
    expect(messages).toEqual([expect.stringContaining('beside a tool call')])
  })

  test.each<[string, Way]>([
    ['a response that failed', responses(response(noResponse, [], { status: 'failed' }))],
    ['one that failed, without usage', responses(response(null, [], { status: 'failed' }))],
    ['an incomplete one', responses(response(noResponse, [], { status: 'incomplete' }))],
    ['an empty chat answer', chat(answer(nothing, ''))],
  ])('and nothing answered is nothing, and no news: %s', async (_, way) => {
    expect(await metered(way)).toEqual({ records: [], messages: [] })
  })

  test('beside an embedding is an estimate of its text, or of its tokens', async () => {
    const { records, messages } = await metered(embeddings({ prompt_tokens: 0, total_tokens: 0 }))
    expect(records).toMatchObject([
      { outcome: 'estimated', tokens: { output: 0 }, details: { estimated: ['input'] } },
    ])
    expect(records[0]?.tokens.input).toBeGreaterThan(90)
    expect(messages).toHaveLength(1)
  })

  test('an input of 0 beside an output, and an output of 0 beside a text', async () => {
    const long = { ...chatRequest, messages: [{ role: 'user', content: words }] }
    await using run = await startMetered(OpenAI)
    run.server.serve(answer({ prompt_tokens: 0, completion_tokens: 30, total_tokens: 30 }))
    await run.metered.chat.completions.create(long as typeof chatRequest)
    run.server.serve(answer({ prompt_tokens: 50, completion_tokens: 0, total_tokens: 50 }))
    await run.metered.chat.completions.create(chatRequest)
    expect(run.records).toMatchObject([
      { tokens: { output: 30 }, details: { estimated: ['input'] } },
      { tokens: { input: 50 }, details: { estimated: ['output'] } },
    ])
    expect(run.records[0]?.tokens.input).toBeGreaterThan(90)
    expect(run.records[1]?.tokens.output).toBeGreaterThan(90)
    expect(run.errors).toHaveLength(2)
  })
})

describe('of several usages', () => {
  test.each<[string, (object | null)[], object]>([
    ['zeros take nothing away', [good, nothing], { input: 900, output: 40 }],
    ['nor does an empty one', [good, {}], { input: 900, output: 40 }],
    ['nor null', [good, null], { input: 900, output: 40 }],
    [
      'nor what is no count',
      [good, { prompt_tokens: -1, completion_tokens: Number.NaN }],
      { input: 900, output: 40 },
    ],
    [
      'one count alone changes that one',
      [good, { completion_tokens: 41 }],
      { input: 900, output: 41 },
    ],
    [
      'a smaller count is a count',
      [good, { prompt_tokens: 900, completion_tokens: 12, total_tokens: 912 }],
      { input: 900, output: 12 },
    ],
    [
      'details stay too',
      [
        { ...good, prompt_tokens_details: { cached_tokens: 800 } },
        { ...good, prompt_tokens_details: { cached_tokens: 0 } },
      ],
      { input: 100, cachedInput: 800, output: 40 },
    ],
    ['zeros first', [nothing, good], { input: 900, output: 40 }],
  ])('%s', async (_, usages, tokens) => {
    const { records, messages } = await metered(chatStream(...usages))
    expect(records).toMatchObject([{ tokens, outcome: 'complete' }])
    expect(messages).toEqual([])
  })

  test('in one answer: the place that counts', async () => {
    const { records } = await metered(chat({ ...answer(nothing), x_groq: { usage: good } }))
    expect(records).toMatchObject([{ tokens: { input: 900, output: 40 } }])
  })
})

describe('a total and no parts', () => {
  const alone = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 1421 }
  test.each<[string, Way]>([
    ['chat', chat(answer(alone))],
    ['chat, parts missing', chat(answer({ total_tokens: 1421 }))],
    ['a chat stream', chatStream(alone)],
    [
      'a response',
      responses(response({ input_tokens: 0, output_tokens: 0, total_tokens: 1421 }, [said])),
    ],
  ])('the output is estimated and the input is the rest: %s', async (_, way) => {
    const { records, messages } = await metered(way)
    const { input = 0, output = 0 } = records[0]?.tokens ?? {}
    expect(input + output).toBe(1421)
    expect(output).toBeGreaterThan(90)
    expect(output).toBeLessThan(180)
    expect(records).toMatchObject([{ outcome: 'estimated' }])
    expect(messages).toHaveLength(1)
  })

  test('of embeddings is the input', async () => {
    expect(await metered(embeddings({ ...alone, completion_tokens: undefined }))).toMatchObject({
      records: [{ outcome: 'complete', tokens: { input: 1421, output: 0 } }],
      messages: [],
    })
  })
})

test.each([
  [
    'reasoning beyond a stated total',
    {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      completion_tokens_details: { reasoning_tokens: 100 },
    },
    { input: 10, output: 5 },
  ],
  [
    'parts beyond the total',
    { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 15 },
    { input: 1000, output: 2000 },
  ],
  [
    'parts beside a total of 0',
    { prompt_tokens: 1000, completion_tokens: 2000, total_tokens: 0 },
    { input: 1000, output: 2000 },
  ],
  [
    'a total beyond the parts',
    { prompt_tokens: 10, completion_tokens: 5, total_tokens: 400 },
    { input: 10, output: 5 },
  ],
  [
    'an input of 0 that the total contradicts',
    { prompt_tokens: 0, completion_tokens: 40, total_tokens: 1421 },
    { input: 1381, output: 40 },
  ],
  [
    'an output of 0 that the total contradicts',
    { prompt_tokens: 900, completion_tokens: 0, total_tokens: 940 },
    { input: 900, output: 40 },
  ],
])('%s is reported', async (_, usage, tokens) => {
  for (const way of [chat(answer(usage)), chatStream(usage)]) {
    const { records, messages } = await metered(way)
    expect(records).toMatchObject([{ outcome: 'complete', tokens }])
    expect(records[0]?.details.reasoning).toBeUndefined()
    expect(messages).toHaveLength(1)
  }
})

test('a sum of many responses can be larger', async () => {
  await using run = await startMetered(OpenAI)
  const usage = { input_tokens: 5_000_000_000, output_tokens: 7, total_tokens: 5_000_000_007 }
  const created_at = Math.floor(Date.now() / 1000)
  const batch = {
    id: 'batch_1',
    object: 'batch',
    status: 'completed',
    created_at,
    completed_at: created_at,
    model: 'm-1',
    usage,
  }
  run.server.serve(batch)
  await run.metered.batches.retrieve('batch_1')
  expect(run.records).toMatchObject([{ tokens: { input: 5_000_000_000, output: 7 } }])
  expect(run.errors).toEqual([])
})
