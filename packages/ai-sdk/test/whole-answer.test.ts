import { cost, type ModelPrice } from '@token-meter/core/cost'
import { describe, expect, test } from 'vitest'
import type { AiSdkModel, UsageRecord } from '../src/index.ts'
import { meterMiddleware } from '../src/index.ts'
import { type Metered, startMetered } from './metered.ts'
import { callOptions } from './scripts.ts'
import { sdkMajors } from './sdk-majors.ts'
import { StubModel } from './stub-models.ts'

const response = {
  id: 'resp_1',
  object: 'response',
  created_at: 1,
  status: 'completed',
  error: null,
  incomplete_details: null,
  model: 'gpt-5.4-2026-03-05',
  service_tier: 'default',
  tools: [{ type: 'web_search' }, { type: 'image_generation', model: 'gpt-image-1.5' }],
  output: [
    {
      id: 'fs_1',
      type: 'file_search_call',
      status: 'completed',
      queries: ['q'],
      results: null,
    },
    {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'hello', annotations: [], logprobs: [] }],
    },
  ],
  usage: {
    input_tokens: 11,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 7,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 18,
  },
  tool_usage: {
    web_search: { num_requests: 2 },
    image_gen: {
      input_tokens: 30,
      input_tokens_details: { image_tokens: 0, text_tokens: 30 },
      output_tokens: 700,
      output_tokens_details: { image_tokens: 700, text_tokens: 0 },
      total_tokens: 730,
    },
  },
}
const events = [
  { type: 'response.created', response: { ...response, status: 'in_progress', output: [] } },
  { type: 'response.completed', response },
]

interface Playable extends AiSdkModel {
  doGenerate(options: object): Promise<unknown>
  doStream(options: object): Promise<{ stream: ReadableStream<{ type: string }> }>
}

async function play(run: Metered, model: AiSdkModel, way: string, more: object = {}) {
  const playable = model as Playable
  const options = { ...(callOptions as object), ...more }
  if (way === 'whole') return void (await playable.doGenerate(options))
  const seen: string[] = []
  for await (const part of (await playable.doStream(options)).stream) seen.push(part.type)
  expect(seen.includes('raw')).toBe('includeRawChunks' in more)
  expect(run.errors).toEqual([])
}

describe.each(sdkMajors)('the whole answer, ai $major', (sdk) => {
  const ways = ['whole', 'streamed'] as const

  test.each(ways)('what tools used beside the usage, %s', async (way) => {
    await using run = await startMetered(sdk)
    run.server.serve(way === 'whole' ? response : events, { times: 2 })
    const model = run.meter(run.openai.responses('gpt-5.4'), 'cus_1')
    await play(run, model, way)
    if (way === 'streamed') await play(run, model, way, { includeRawChunks: true })
    for (const [index, record] of run.records.entries()) {
      expect(record).toMatchObject(
        index % 2 === 0
          ? {
              model: 'gpt-image-1.5',
              tokens: { input: 30, output: 700 },
              details: { imageOutput: 700 },
            }
          : {
              model: 'gpt-5.4-2026-03-05',
              tokens: { input: 7, cachedInput: 4, output: 7 },
              details: { reasoning: 2, webSearchRequests: 2, fileSearchCalls: 1 },
              requests: null,
            },
      )
    }
    expect(run.records).toHaveLength(way === 'streamed' ? 4 : 2)
  })

  test('through a middleware, which cannot ask for events, the parts say what ran', async () => {
    await using run = await startMetered(sdk)
    const action = { type: 'search', query: 'q' }
    const item = { id: 'ws_1', type: 'web_search_call', status: 'completed', action }
    run.server.serve([
      events[0] as object,
      { type: 'response.output_item.added', output_index: 0, item },
      { type: 'response.output_item.done', output_index: 0, item },
      { type: 'response.completed', response: { ...response, tool_usage: undefined } },
    ] as never)
    const model = sdk.ai.wrapLanguageModel({
      model: run.openai.responses('gpt-5.4'),
      middleware: meterMiddleware('cus_1', { meter: run.meter }),
    })
    const type = sdk.version === 'v2' ? 'provider-defined' : 'provider'
    const tools = [{ type, id: 'openai.web_search', name: 'web_search', args: {} }]
    await play(run, model, 'streamed', { tools })
    expect(run.records).toMatchObject([{ details: { reasoning: 2, webSearchRequests: 1 } }])
    const image = { id: 'ig_1', type: 'image_generation_call', status: 'completed', result: 'aGk=' }
    run.server.serve([
      events[0] as object,
      { type: 'response.output_item.added', output_index: 0, item: image },
      { type: 'response.output_item.done', output_index: 0, item: image },
      { type: 'response.completed', response },
    ] as never)
    for await (const _ of (await (model as unknown as Playable).doStream(callOptions)).stream);
    expect(run.records).toMatchObject([{}, { details: { imageGenerationCalls: 1 } }])
    expect(run.errors).toMatchObject([{ message: expect.stringContaining('includeRawChunks') }])
  })

  test.each(ways)('what a compatible server says it cost, %s', async (way) => {
    await using run = await startMetered(sdk)
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 3,
      total_tokens: 12,
      cost: 0,
      is_byok: true,
      cost_details: { upstream_inference_cost: 0.05 },
    }
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm' }
    const whole = {
      ...chunk,
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
      usage,
    }
    const delta = { index: 0, delta: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }
    const script = [
      { ...chunk, choices: [delta] },
      { ...chunk, choices: [], usage },
    ]
    run.server.serve(way === 'whole' ? whole : script)
    const model = run.meter(run.openai.chat('m'), 'cus_1', { provider: 'openrouter' })
    await play(run, model, way)
    expect(run.records).toMatchObject([
      {
        provider: 'openrouter',
        tokens: { input: 9, output: 3 },
        details: { providerCostUsd: 0, upstreamCostUsd: 0.05, byok: true },
      },
    ])
    expect(cost()(run.records[0] as UsageRecord)).toMatchObject({ provider: '0.05' })
  })

  test.each(ways)('what Gemini searched, %s', async (way) => {
    await using run = await startMetered(sdk)
    const answer = {
      candidates: [
        {
          content: { role: 'model', parts: [{ text: 'a' }] },
          finishReason: 'STOP',
          groundingMetadata: {
            webSearchQueries: ['one', 'two'],
            groundingChunks: [{ maps: { uri: 'https://maps.test', title: 't' } }],
          },
        },
      ],
      usageMetadata: {
        promptTokenCount: 10,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 3,
        totalTokenCount: 18,
      },
      modelVersion: 'gemini-3-flash-preview',
    }
    run.server.serve(way === 'whole' ? answer : [answer])
    await play(run, run.meter(run.google('gemini-3-flash-preview'), 'cus_1'), way)
    expect(run.records).toMatchObject([
      {
        tokens: { input: 10, output: 8 },
        details: { reasoning: 3, webSearchRequests: 2, mapsRequests: 1 },
      },
    ])
  })

  test('how long Bedrock keeps what was written to its cache', async () => {
    await using run = await startMetered(sdk)
    const price: ModelPrice = { input: 3, cachedWrite: '3.75', cachedWrite1h: 6, output: 15 }
    const raw = {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 8015,
      cacheReadInputTokens: 0,
      cacheWriteInputTokens: 8000,
      cacheDetails: [
        { ttl: '1h', inputTokens: 7000 },
        { ttl: '5m', inputTokens: 1000 },
      ],
    }
    const usage =
      sdk.version === 'v2'
        ? { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
        : {
            inputTokens: { total: 8010, noCache: 10, cacheRead: 0, cacheWrite: 8000 },
            outputTokens: { total: 5 },
            raw,
          }
    const providerMetadata = sdk.version === 'v2' ? { bedrock: { usage: raw } } : undefined
    const model = new StubModel(() => ({ content: [], usage, providerMetadata, warnings: [] }))
    await run.meter(model, 'cus_1', { provider: 'bedrock' }).doGenerate(callOptions)
    expect(run.records).toMatchObject([
      {
        tokens: { input: 10, cachedInput: 0, cachedWrite: 8000, output: 5 },
        details: { cachedWrite1h: 7000, cachedWrite5m: 1000 },
      },
    ])
    const priced = cost({ prices: () => price })(run.records[0] as UsageRecord)
    // 10 x 3 + 1000 x 3.75 + 7000 x 6 + 5 x 15
    expect(priced).toMatchObject({ provider: '0.045855' })
  })

  test('images are put out as images', async () => {
    await using run = await startMetered(sdk)
    const answer = {
      created: 1,
      data: [{ b64_json: 'aGk=' }],
      usage: { input_tokens: 9, output_tokens: 272, total_tokens: 281 },
    }
    run.server.serve(answer)
    const model = run.meter(run.openai.image('gpt-image-1'), 'cus_1')
    await (model as unknown as Playable).doGenerate({ prompt: 'a cat', n: 1, providerOptions: {} })
    const [record] = run.records
    const price = { input: 5, imageInput: 10, output: 10, imageOutput: 30 }
    // V2 has no usage of images.
    if (sdk.version === 'v2') return expect(record?.tokens).toMatchObject({ input: 0, output: 0 })
    expect(record).toMatchObject({
      tokens: { input: 9, output: 272 },
      details: { imageOutput: 272 },
    })
    expect(cost({ prices: () => price })(record as UsageRecord)).toMatchObject({
      provider: '0.008205',
    })
  })
})
