import { cost } from '@token-meter/core/cost'
import { describe, expect, test } from 'vitest'
import type { UsageRecord } from '../src/index.ts'
import { startMetered } from './metered.ts'
import { finishedResponse } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'

const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }
const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'asked',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'a' } }],
  usage,
}
const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'asked' }
const chunks = (last: object, delta: object = {}) => [
  { ...chunk, choices: [{ index: 0, delta: { content: 'a', ...delta }, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage, ...last },
]
const asked = { model: 'asked', messages: [] }

function costOf(record: UsageRecord | undefined, price: object) {
  return cost({ prices: () => price })(record as UsageRecord)
}

describe.each(sdkMajors)('what is billed beside tokens, openai $major', ({ OpenAI }) => {
  const start = (provider = 'openai') => startMetered(OpenAI, { provider })

  test.each([
    ['gpt-4o-search-preview', 1],
    ['gpt-4o-mini-search-preview-2025-03-11', 1],
    ['gpt-5-search-api', 1],
    ['gpt-4o', undefined],
    ['gpt-4o-searching', undefined],
  ])('%s searches for each answer', async (model, webSearchRequests) => {
    await using run = await start()
    run.server.serve({ ...completion, model })
    run.server.serve(chunks({}).map((each) => ({ ...each, model })))
    await run.metered.chat.completions.create(asked)
    for await (const _ of await run.metered.chat.completions.create({ ...asked, stream: true }));
    expect(run.records.map(({ details }) => details.webSearchRequests)).toEqual([
      webSearchRequests,
      webSearchRequests,
    ])
  })

  test("Fireworks' cached tokens, in a header or in its metrics", async () => {
    await using run = await start('fireworks')
    run.server.serve(completion, { headers: { 'fireworks-cached-prompt-tokens': '60' } })
    run.server.serve({ ...completion, perf_metrics: { 'cached-prompt-tokens': '70' } })
    run.server.serve(chunks({ perf_metrics: { 'cached-prompt-tokens': 80 } }))
    const own = { ...usage, prompt_tokens_details: { cached_tokens: 5 } }
    run.server.serve(
      { ...completion, usage: own },
      { headers: { 'fireworks-cached-prompt-tokens': '60' } },
    )
    await run.metered.chat.completions.create(asked)
    await run.metered.chat.completions.create(asked)
    for await (const _ of await run.metered.chat.completions.create({ ...asked, stream: true }));
    await run.metered.chat.completions.create(asked)
    expect(run.records.map(({ tokens }) => [tokens.input, tokens.cachedInput])).toEqual([
      [40, 60],
      [30, 70],
      [20, 80],
      [95, 5],
    ])
    expect(run.records[0]?.raw).toEqual(usage)
    expect(run.errors).toEqual([])
  })

  test.each([
    ['litellm', {}, undefined],
    ['mycorp', { 'x-litellm-call-id': '7c2e' }, undefined],
    ['mycorp', { 'x-litellm-model-group': 'free' }, undefined],
    ['mycorp', {}, 0],
  ])('a stated cost of 0 of %s, with headers %j', async (provider, headers, providerCostUsd) => {
    await using run = await start(provider)
    const free = { usage: { ...usage, cost: 0 } }
    run.server.serve({ ...completion, ...free }, { headers })
    run.server.serve(chunks(free), { headers })
    await run.metered.chat.completions.create(asked)
    const streamed = { ...asked, stream: true, stream_options: { include_usage: true } } as const
    for await (const _ of await run.metered.chat.completions.create(streamed));
    expect(run.errors).toEqual([])
    expect(run.records.map(({ details }) => details.providerCostUsd)).toEqual([
      providerCostUsd,
      providerCostUsd,
    ])
  })

  test("Mistral's sound is counted in seconds", async () => {
    await using run = await start('mistral')
    run.server.serve({ ...completion, usage: { ...usage, prompt_audio_seconds: 203 } })
    await run.metered.chat.completions.create(asked)
    expect(run.records).toMatchObject([{ details: { seconds: 203 } }])
    const price = { input: 1, output: 1, hour: '0.24' }
    expect(costOf(run.records[0], price)).toMatchObject({ provider: '0.013643333333333333' })
  })

  test("Groq's systems: the models in them, and the tools they ran", async () => {
    await using run = await start('groq')
    const tools = [
      { index: 0, type: 'search', arguments: '{}' },
      { index: 1, type: 'python', arguments: '{}' },
      { index: 2, type: 'search', arguments: '{}' },
    ]
    const breakdown = {
      models: [
        { model: 'llama-3.3-70b', usage: { prompt_tokens: 70, completion_tokens: 4 } },
        { model: 'openai/gpt-oss-120b', usage: { prompt_tokens: 30, completion_tokens: 6 } },
      ],
    }
    const [choice] = completion.choices
    const message = { ...choice?.message, executed_tools: tools }
    run.server.serve({
      ...completion,
      choices: [{ ...choice, message }],
      usage_breakdown: breakdown,
    })
    const last = { usage: undefined, x_groq: { usage }, usage_breakdown: breakdown }
    run.server.serve(chunks(last, { executed_tools: tools }))
    await run.metered.chat.completions.create(asked)
    for await (const _ of await run.metered.chat.completions.create({ ...asked, stream: true }));
    const expected = [
      {
        model: 'llama-3.3-70b',
        tokens: { input: 70, output: 4 },
        details: { webSearchRequests: 2, codeExecutionCalls: 1 },
        requests: null,
      },
      { model: 'openai/gpt-oss-120b', tokens: { input: 30, output: 6 }, details: {} },
    ]
    expect(run.records).toMatchObject([...expected, ...expected])
  })

  test('calls of tools in the output of a response, also of one that is cut short', async () => {
    await using run = await start()
    const output = [
      { type: 'file_search_call', status: 'completed' },
      { type: 'code_interpreter_call', status: 'completed', container_id: 'cntr_1' },
      { type: 'code_interpreter_call', status: 'completed', container_id: 'cntr_1' },
      { type: 'shell_call', status: 'completed', environment: { container_id: 'cntr_2' } },
      { type: 'shell_call', status: 'completed', environment: { type: 'local' } },
      { type: 'mcp_call', status: 'completed' },
      { type: 'image_generation_call', status: 'completed' },
      { type: 'x_search_call', status: 'completed' },
    ]
    const details = {
      fileSearchCalls: 1,
      codeExecutionCalls: 3,
      containers: 2,
      mcpCalls: 1,
      imageGenerationCalls: 1,
      xSearchRequests: 1,
    }
    run.server.serve({ ...finishedResponse, output })
    run.server.serve([
      { type: 'response.created', response: { id: 'resp_cut', model: 'm', status: 'in_progress' } },
      ...output.map((item) => ({ type: 'response.output_item.done', item })),
    ])
    const request = { model: 'asked', input: 'hi' }
    await run.metered.responses.create(request)
    for await (const _ of await run.metered.responses.create({ ...request, stream: true }));
    expect(run.records).toMatchObject([
      { details, requests: null },
      { details, outcome: 'estimated' },
    ])
  })

  test('what a free route costs is 0, by every API', async () => {
    await using run = await start('openrouter')
    run.server.serve({ ...completion, usage: { ...usage, cost: 0 } })
    run.server.serve({ ...finishedResponse, usage: { ...finishedResponse.usage, cost: 0 } })
    run.server.serve({
      object: 'list',
      model: 'm',
      data: [],
      usage: { prompt_tokens: 3, total_tokens: 3, cost: 0 },
    })
    await run.metered.chat.completions.create(asked)
    await run.metered.responses.create({ model: 'asked', input: 'hi' })
    await run.metered.embeddings.create({ model: 'asked', input: 'hi', encoding_format: 'float' })
    for (const record of run.records) {
      expect(cost()(record)).toMatchObject({ provider: '0', billed: '0', source: 'reported' })
    }
    expect(run.records).toHaveLength(3)
  })
})

describe.each(sdkMajors)('images without details, openai $major', ({ OpenAI }) => {
  const start = () => startMetered(OpenAI)
  const price = { input: 5, imageInput: 10, output: 10, imageOutput: 30 }
  const image = { created: 1, data: [{ b64_json: 'aGk=' }] }
  const few = { input_tokens: 9, output_tokens: 272 }

  test('are images, whole and streamed', async () => {
    await using run = await start()
    run.server.serve({ ...image, usage: few })
    await run.metered.images.generate({ model: 'gpt-image-1', prompt: 'a' })
    run.server.serve([
      {
        type: 'image_generation.completed',
        b64_json: 'aGk=',
        usage: { ...few, total_tokens: 281, output_tokens_details: {} },
      },
    ])
    const request = { model: 'gpt-image-1', prompt: 'a', stream: true }
    const streamed: unknown = await run.metered.images.generate(request as never)
    // SDK 4 does not stream images.
    if (typeof streamed === 'object') {
      for await (const _ of streamed as AsyncIterable<unknown>);
      expect(costOf(run.records[1], price)).toMatchObject({ provider: '0.008205' })
    }
    expect(costOf(run.records[0], price)).toMatchObject({ provider: '0.008205' })
  })

  test('but how much of an edit was given as images is not known', async () => {
    await using run = await start()
    run.server.serve({ ...image, usage: few }, { times: 2 })
    const body = { model: 'gpt-image-1', prompt: 'a', image: new File(['a'], 'a.png') }
    await run.metered.images.edit(body)
    const split = { ...few, input_tokens_details: { text_tokens: 4, image_tokens: 5 } }
    run.server.serve({ ...image, usage: split })
    expect(run.records).toMatchObject([{ details: { imageOutput: 272, unsplit: ['input'] } }])
    expect(costOf(run.records[0], price)).toHaveProperty('unpriced')
    const { imageInput: _, ...onePrice } = price
    expect(costOf(run.records[0], onePrice)).toMatchObject({ provider: '0.008205' })
  })
})
