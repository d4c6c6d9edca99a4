import type { ReplayEvent } from '@token-meter/testkit'
import { describe, expect, test } from 'vitest'
import { asksForUsage, readChat, serveEvents, startAtHost } from './at-host.ts'
import { type SdkClient, sdkMajors } from './sdk-majors.ts'

interface Host {
  readonly baseURL: string
  readonly provider: string
  /** Where the host does not say what it is. */
  readonly option?: string
  readonly model: string
  /** The server is asked for the usage of a stream. */
  readonly asked: boolean
  readonly usage: object
  /** Where the usage of a stream is. */
  readonly stream: (usage: object, isAsked: boolean) => readonly ReplayEvent[]
  readonly tokens: readonly [
    input: number,
    cachedInput: number,
    cachedWrite: number,
    output: number,
  ]
  readonly details?: object
}

const chunk = { id: 'chatcmpl-123', object: 'chat.completion.chunk', created: 1 }
const choice = (content: string, finish_reason: string | null = null) => ({
  index: 0,
  delta: { content },
  finish_reason,
})
const said = [
  { ...chunk, choices: [choice('Hel')] },
  { ...chunk, choices: [choice('lo')] },
]
const stop = { ...chunk, choices: [choice('', 'stop')] }

/** As OpenAI: a chunk of its own, and null before, for who asks. */
const ownChunk: Host['stream'] = (usage, isAsked) =>
  isAsked
    ? [
        ...[...said, stop].map((event) => ({ ...event, usage: null })),
        { ...chunk, choices: [], usage },
      ]
    : [...said, stop]
/** On the last chunk that has choices, asked or not. */
const onLastChoice: Host['stream'] = (usage) => [...said, { ...stop, usage }]
/** A running total on every chunk. */
const cumulative: Host['stream'] = (usage) => {
  const soFar = (completion_tokens: number) => ({ ...usage, completion_tokens, total_tokens: 12 })
  return [...said.map((event, index) => ({ ...event, usage: soFar(index) })), { ...stop, usage }]
}

const hosts: Readonly<Record<string, Host>> = {
  'Azure, whose first chunk has filter results and no choices': {
    baseURL: 'https://my.openai.azure.com/openai/v1',
    provider: 'azure',
    model: 'gpt-5.4-2026-03-05',
    asked: true,
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      prompt_tokens_details: { cached_tokens: 8 },
    },
    stream: (usage, isAsked) => [
      { id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [{}] },
      ...ownChunk(usage, isAsked),
    ],
    tokens: [12, 8, 0, 5],
  },
  'Mistral, which refuses the question': {
    baseURL: 'https://api.mistral.ai/v1',
    provider: 'mistral',
    model: 'mistral-large-latest',
    asked: false,
    usage: { prompt_tokens: 20, total_tokens: 25, completion_tokens: 5, num_cached_tokens: 16 },
    stream: onLastChoice,
    tokens: [4, 16, 0, 5],
  },
  'Groq, in x_groq': {
    baseURL: 'https://api.groq.com/openai/v1',
    provider: 'groq',
    model: 'openai/gpt-oss-120b',
    asked: false,
    usage: {
      queue_time: 0.04,
      prompt_tokens: 20,
      prompt_time: 0.01,
      completion_tokens: 5,
      completion_time: 0.02,
      total_tokens: 25,
      total_time: 0.03,
    },
    stream: (usage) => [...said, { ...stop, x_groq: { id: 'req_1', usage } }],
    tokens: [20, 0, 0, 5],
  },
  'DeepSeek, hits and misses': {
    baseURL: 'https://api.deepseek.com',
    provider: 'deepseek',
    model: 'deepseek-chat',
    asked: true,
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      prompt_cache_hit_tokens: 16,
      prompt_cache_miss_tokens: 4,
      completion_tokens_details: { reasoning_tokens: 3 },
    },
    stream: ownChunk,
    tokens: [4, 16, 0, 5],
    details: { reasoning: 3 },
  },
  'xAI, reasoning beside the completion': {
    baseURL: 'https://api.x.ai/v1',
    provider: 'xai',
    model: 'grok-4',
    asked: true,
    usage: {
      prompt_tokens: 10_120,
      completion_tokens: 1499,
      total_tokens: 14_428,
      prompt_tokens_details: { cached_tokens: 120 },
      completion_tokens_details: { reasoning_tokens: 2809 },
      cost_in_usd_ticks: 5_000_000_000,
    },
    stream: ownChunk,
    tokens: [10_000, 120, 0, 4308],
    details: { reasoning: 2809, providerCostUsd: 0.5 },
  },
  'Together, on the last choice': {
    baseURL: 'https://api.together.xyz/v1',
    provider: 'together',
    model: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    asked: true,
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25, cached_tokens: 6 },
    stream: onLastChoice,
    tokens: [14, 6, 0, 5],
  },
  'Fireworks, on the last choice': {
    baseURL: 'https://api.fireworks.ai/inference/v1',
    provider: 'fireworks',
    model: 'accounts/fireworks/models/deepseek-v3',
    asked: true,
    usage: {
      prompt_tokens: 20,
      total_tokens: 25,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 6 },
    },
    stream: onLastChoice,
    tokens: [14, 6, 0, 5],
  },
  'Moonshot, inside the choice': {
    baseURL: 'https://api.moonshot.ai/v1',
    provider: 'moonshotai',
    model: 'kimi-k3',
    asked: false,
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25, cached_tokens: 6 },
    stream: (usage) => [...said, { ...chunk, choices: [{ ...choice('', 'stop'), usage }] }],
    tokens: [14, 6, 0, 5],
  },
  'Alibaba, cache creation inside the prompt': {
    baseURL: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
    provider: 'alibaba',
    model: 'qwen3-max',
    asked: true,
    usage: {
      prompt_tokens: 3019,
      completion_tokens: 104,
      total_tokens: 3123,
      prompt_tokens_details: {
        cached_tokens: 2048,
        cache_creation_input_tokens: 900,
        cache_creation: { ephemeral_5m_input_tokens: 900 },
        cache_type: 'ephemeral',
      },
    },
    stream: ownChunk,
    tokens: [71, 2048, 900, 104],
  },
  'Cerebras, with its times': {
    baseURL: 'https://api.cerebras.ai/v1',
    provider: 'cerebras',
    model: 'gpt-oss-120b',
    asked: true,
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { accepted_prediction_tokens: 2, rejected_prediction_tokens: 1 },
    },
    stream: (usage) => [...said, { ...stop, usage, time_info: { total_time: 0.01 } }],
    tokens: [20, 0, 0, 5],
    details: { acceptedPrediction: 2, rejectedPrediction: 1 },
  },
  'vLLM on a host of its own': {
    baseURL: 'http://gpu-1.internal:8000/v1',
    provider: 'vllm',
    option: 'vllm',
    model: 'Qwen/Qwen3-32B',
    asked: true,
    usage: {
      prompt_tokens: 20,
      total_tokens: 25,
      completion_tokens: 5,
      prompt_tokens_details: null,
    },
    stream: ownChunk,
    tokens: [20, 0, 0, 5],
  },
  'llama.cpp, with its timings': {
    baseURL: 'http://127.0.0.1:8080/v1',
    provider: 'llamacpp',
    option: 'llamacpp',
    model: 'gemma-3-1b-it',
    asked: true,
    usage: { completion_tokens: 31, prompt_tokens: 75, total_tokens: 106 },
    stream: (usage, isAsked) =>
      ownChunk(usage, isAsked).map((event) =>
        event.usage ? { ...event, timings: { prompt_n: 75, predicted_n: 31 } } : event,
      ),
    tokens: [75, 0, 0, 31],
  },
  Ollama: {
    baseURL: 'http://localhost:11434/v1/',
    provider: 'ollama',
    model: 'llama3.2:3b',
    asked: true,
    usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 },
    stream: ownChunk,
    tokens: [20, 0, 0, 5],
  },
  'LM Studio': {
    baseURL: 'http://localhost:1234/v1',
    provider: 'lmstudio',
    model: 'qwen/qwen3-4b',
    asked: true,
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      completion_tokens_details: { reasoning_tokens: 2 },
    },
    stream: ownChunk,
    tokens: [20, 0, 0, 5],
    details: { reasoning: 2 },
  },
  'Gemini, running totals with thinking in the total alone': {
    baseURL: 'https://generativelanguage.googleapis.com/v1beta/openai/',
    provider: 'google',
    model: 'gemini-3-flash',
    asked: true,
    usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 57 },
    stream: cumulative,
    tokens: [12, 0, 0, 45],
  },
  'Perplexity, running totals with reasoning beside': {
    baseURL: 'https://api.perplexity.ai',
    provider: 'perplexity',
    model: 'sonar-deep-research',
    asked: false,
    usage: {
      prompt_tokens: 12,
      completion_tokens: 7163,
      total_tokens: 7175,
      citation_tokens: 20_016,
      num_search_queries: 18,
      reasoning_tokens: 5305,
      search_context_size: 'low',
      cost: { input_tokens_cost: 0.1, output_tokens_cost: 0.2, total_cost: 0.5 },
    },
    stream: cumulative,
    tokens: [12, 0, 0, 7163 + 5305],
    details: {
      reasoning: 5305,
      webSearchRequests: 18,
      citationTokens: 20016,
      searchContextSize: 'low',
      providerCostUsd: 0.5,
    },
  },
  'Databricks, which refuses the question, with the cache of Claude': {
    baseURL: 'https://adb-1.2.azuredatabricks.net/serving-endpoints',
    provider: 'databricks',
    model: 'databricks-claude-sonnet-4-6',
    asked: false,
    usage: {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      cache_read_input_tokens: 11,
      cache_creation_input_tokens: 4,
    },
    stream: onLastChoice,
    tokens: [5, 11, 4, 5],
  },
}

describe.each(sdkMajors)('compatible hosts through openai $major', ({ OpenAI }) => {
  test.each(Object.entries(hosts))('%s', async (_, host) => {
    const { baseURL, provider, option, model, usage, tokens, details = {} } = host
    const options = option === undefined ? {} : { provider: option }
    await using run = await startAtHost(OpenAI, baseURL, options)
    const { server, metered, raw, records } = run
    server.serve({
      id: 'chatcmpl-123',
      object: 'chat.completion',
      created: 1,
      model,
      choices: [
        { index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' },
      ],
      usage,
    })
    await metered.chat.completions.create({ model: 'asked', messages: [] })

    serveEvents(
      run,
      (request) =>
        host
          .stream(usage, asksForUsage(request))
          .map((event) => (event.model === '' ? event : { ...event, model })),
      2,
    )
    const chunks = await readChat(metered, 'asked')
    expect(server.requests.slice(1).map(asksForUsage)).toEqual([host.asked])
    expect(chunks).toEqual(await readChat(raw, 'asked'))

    const [input, cachedInput, cachedWrite, output] = tokens
    expect(records).toHaveLength(2)
    for (const record of records) {
      expect(record).toMatchObject({
        provider,
        model,
        requestedModel: 'asked',
        tokens: { input, cachedInput, cachedWrite, output },
        outcome: 'complete',
      })
      expect(record.details).toEqual(details)
      expect(record.raw).toEqual(usage)
    }
    expect(run.errors).toEqual([])
    // Some servers give every answer the same id.
    expect(new Set(records.map(({ id }) => id)).size).toBe(2)
  })

  const read = async (client: SdkClient, chunksWanted: number) => {
    const stream = await client.chat.completions.create({
      model: 'asked',
      messages: [],
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true } as object,
    })
    const chunks: string[] = []
    for await (const event of stream) {
      chunks.push(JSON.stringify(event))
      if (chunks.length === chunksWanted) break
    }
    return chunks
  }

  test.each([
    ['to its end', Infinity, 5, 'complete'],
    ['until a break', 2, 2, 'partial'],
  ])('vLLM with continuous_usage_stats, read %s', async (_, chunksWanted, output, outcome) => {
    await using run = await startAtHost(OpenAI, 'http://gpu-1.internal:8000/v1')
    const soFar = (completion_tokens: number) => ({
      prompt_tokens: 20,
      total_tokens: 20 + completion_tokens,
      completion_tokens,
    })
    const events = [
      { ...said[0], usage: soFar(1) },
      { ...said[1], usage: soFar(2) },
      { ...stop, usage: soFar(5) },
      { ...chunk, choices: [], usage: soFar(5) },
    ]
    serveEvents(run, events, 2)
    const chunks = await read(run.metered, chunksWanted)
    expect(chunks).toEqual(await read(run.raw, chunksWanted))
    expect(chunks[0]).toContain('"completion_tokens":1')
    expect(run.server.requests[0]?.body).toEqual(run.server.requests[1]?.body)
    expect(run.records).toMatchObject([
      { tokens: { input: 20, cachedInput: 0, cachedWrite: 0, output }, outcome },
    ])
  })
})
