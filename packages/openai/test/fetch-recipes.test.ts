import { fal } from '@fal-ai/client'
import { InferenceClient } from '@huggingface/inference'
import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import Perplexity from '@perplexity-ai/perplexity_ai'
import { type ReplayServer, startReplayServer } from '@token-meter/testkit'
import Replicate from 'replicate'
import { expect, test } from 'vitest'
import { VoyageAIClient } from 'voyageai'
import { createMeter, memoryOutbox, openaiProvider, type UsageRecord } from '../src/index.ts'
import { asStream, sse, tokens } from './relatives.ts'

/** What sends to the server on loopback whatever is addressed to a provider's own host. */
function toLoopback(server: ReplayServer): typeof fetch {
  return (input, init) => {
    const request = input instanceof Request ? input : undefined
    const { pathname, search } = new URL(request?.url ?? String(input))
    const url = server.url + pathname + search
    return request === undefined ? fetch(url, init) : fetch(new Request(url, request), init)
  }
}

async function start() {
  const server = await startReplayServer()
  const records: UsageRecord[] = []
  const errors: Error[] = []
  const meter = createMeter({
    providers: [openaiProvider],
    outbox: memoryOutbox(),
    onError: (error) => void errors.push(error),
  })
  meter.on('usage', (record) => void records.push(record))
  return {
    server,
    records,
    errors,
    fetch: meter.fetch('cus_1', { fetch: toLoopback(server) }),
    async [Symbol.asyncDispose]() {
      await meter.close()
      await server.close()
    },
  }
}

const drain = async (stream: AsyncIterable<unknown>) => {
  for await (const _ of stream);
}
const choice = (content: string) => ({
  index: 0,
  message: { role: 'assistant', content },
  finish_reason: 'stop',
})
const messages = [{ role: 'user' as const, content: 'Hi' }]

test('Perplexity: tokens with reasoning beside them, searches, and the cost that it states', async () => {
  await using run = await start()
  const client = new Perplexity({ apiKey: 'k', fetch: run.fetch, maxRetries: 0 })
  const usage = {
    prompt_tokens: 20,
    completion_tokens: 50,
    total_tokens: 70,
    reasoning_tokens: 30,
    num_search_queries: 2,
    search_context_size: 'low',
    cost: { input_tokens_cost: 0.00002, output_tokens_cost: 0.00005, total_cost: 0.00507 },
  }
  const answer = {
    id: 'p',
    object: 'chat.completion',
    created: 1,
    model: 'sonar',
    choices: [choice('Hi')],
    usage,
  }
  run.server.serve(answer)
  await client.chat.completions.create({ model: 'sonar', messages })
  // A running total in each event: the last counts.
  const sofar = { ...usage, completion_tokens: 10, reasoning_tokens: 0, total_tokens: 30 }
  run.server.serve(sse([{ ...answer, usage: sofar }, answer]), asStream)
  await drain(await client.chat.completions.create({ model: 'sonar', messages, stream: true }))
  run.server.serve({ id: 's', results: [] })
  await client.search.create({ query: 'news' })
  const spent = {
    customer: 'cus_1',
    provider: 'perplexity',
    endpoint: 'chat.completions',
    tokens: tokens(20, 0, 0, 80),
    details: {
      reasoning: 30,
      webSearchRequests: 2,
      searchContextSize: 'low',
      providerCostUsd: 0.00507,
    },
  }
  const searched = { endpoint: 'search', details: { webSearchRequests: 1 } }
  expect(run.records).toMatchObject([spent, spent, searched])
  expect(run.errors).toEqual([])
})

test('OpenRouter: cache writes, server tools, a key of your own, and what it charged', async () => {
  await using run = await start()
  const httpClient = new HTTPClient({ fetcher: run.fetch })
  const client = new OpenRouter({ apiKey: 'k', httpClient })
  const usage = {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 30, cache_write_tokens: 50 },
    completion_tokens_details: { reasoning_tokens: 4 },
    server_tool_use_details: { web_search_requests: 2 },
    cost: 0.0001,
    is_byok: true,
    cost_details: {
      upstream_inference_cost: 0.002,
      upstream_inference_prompt_cost: 0.001,
      upstream_inference_completions_cost: 0.001,
    },
  }
  const model = 'anthropic/claude-sonnet-4.6'
  const whole = {
    id: 'gen-1',
    object: 'chat.completion',
    created: 1,
    model,
    system_fingerprint: null,
    choices: [choice('Hi')],
    usage,
  }
  const chunk = { id: 'gen-1', object: 'chat.completion.chunk', created: 1, model }
  const delta = { index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }
  run.server.serve(whole)
  run.server.serve(
    sse([
      { ...chunk, choices: [delta] },
      { ...chunk, choices: [], usage },
    ]),
    asStream,
  )
  const chatRequest = { model, messages }
  await client.chat.send({ chatRequest })
  const stream = await client.chat.send({ chatRequest: { ...chatRequest, stream: true } })
  await drain(stream as unknown as AsyncIterable<unknown>)
  const spent = {
    provider: 'openrouter',
    model,
    endpoint: 'chat.completions',
    tokens: tokens(20, 30, 50, 20),
    details: {
      reasoning: 4,
      webSearchRequests: 2,
      providerCostUsd: 0.0001,
      upstreamCostUsd: 0.002,
      byok: true,
    },
  }
  expect(run.records).toMatchObject([spent, spent])
  expect(run.errors).toEqual([])
})

test('OpenRouter: rankings by search units, and embeddings', async () => {
  await using run = await start()
  const httpClient = new HTTPClient({ fetcher: run.fetch })
  const client = new OpenRouter({ apiKey: 'k', httpClient })
  const ranked = { id: 'r', model: 'cohere/rerank-v3.5', provider: 'Cohere', results: [] }
  run.server.serve({ ...ranked, usage: { cost: 0.002, search_units: 1 } })
  run.server.serve({ ...ranked, usage: { cost: 0.002, total_tokens: 44 } })
  const requestBody = { model: 'cohere/rerank-v3.5', query: 'q', documents: ['a'] }
  for (let time = 0; time < 2; time++) await client.rerank.rerank({ requestBody } as never)
  expect(run.records).toMatchObject([
    {
      endpoint: 'rerank',
      tokens: tokens(0, 0, 0, 0),
      details: { searchUnits: 1, providerCostUsd: 0.002 },
    },
    { endpoint: 'rerank', tokens: tokens(44, 0, 0, 0), outcome: 'complete' },
  ])
  expect(run.errors).toEqual([])
})

test('Hugging Face: chat by its router, whole and streamed; other tasks are told once', async () => {
  await using run = await start()
  const client = new InferenceClient('hf_k', { fetch: run.fetch } as never)
  const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 }
  const model = 'meta-llama/Llama-3.3-70B-Instruct'
  const answer = {
    id: 'h',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [choice('Hi')],
    usage,
  }
  run.server.serve(answer)
  await client.chatCompletion({ model, messages }, { fetch: run.fetch })
  expect(run.server.requests[0]?.path).toBe('/v1/chat/completions')
  const chunk = { id: 'h', object: 'chat.completion.chunk', created: 1, model }
  const delta = { index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }
  run.server.serve(
    sse([
      { ...chunk, choices: [delta] },
      { ...chunk, choices: [], usage },
    ]),
    asStream,
  )
  const stream_options = { include_usage: true }
  await drain(
    client.chatCompletionStream({ model, messages, stream_options }, { fetch: run.fetch }),
  )
  const spent = {
    provider: 'huggingface',
    endpoint: 'chat.completions',
    model,
    tokens: tokens(9, 0, 0, 4),
  }
  expect(run.records).toMatchObject([spent, spent])
  expect(run.errors).toEqual([])

  const url = 'https://router.huggingface.co/hf-inference/models/facebook/bart-large-cnn'
  for (let time = 0; time < 2; time++) {
    run.server.serve([{ summary_text: 'x' }] as never)
    await (await run.fetch(url, { method: 'POST', body: '{"inputs":"text"}' })).text()
  }
  expect(run.records).toHaveLength(2)
  expect(run.errors.map(({ message }) => message)).toEqual([
    expect.stringContaining(
      "Hugging Face's tasks beside chat and embeddings work, but are not metered",
    ) as string,
  ])
})

test('Voyage: embeddings and rankings by their total', async () => {
  await using run = await start()
  const client = new VoyageAIClient({ apiKey: 'k', fetch: run.fetch, maxRetries: 0 } as never)
  run.server.serve({ object: 'list', model: 'voyage-3.5', data: [], usage: { total_tokens: 12 } })
  await client.embed({ model: 'voyage-3.5', input: 'text' })
  run.server.serve({ object: 'list', model: 'rerank-2.5', data: [], usage: { total_tokens: 33 } })
  await client.rerank({ model: 'rerank-2.5', query: 'q', documents: ['a'] })
  expect(run.records).toMatchObject([
    {
      provider: 'voyage',
      endpoint: 'embeddings',
      model: 'voyage-3.5',
      tokens: tokens(12, 0, 0, 0),
    },
    { provider: 'voyage', endpoint: 'rerank', model: 'rerank-2.5', tokens: tokens(33, 0, 0, 0) },
  ])
  expect(run.errors).toEqual([])
})

test('Replicate and fal bill by time or by units of their own: told once, and they work', async () => {
  await using run = await start()
  const replicate = new Replicate({ auth: 'k', fetch: run.fetch })
  const prediction = { id: 'p', status: 'succeeded', output: 'Hi', metrics: { predict_time: 1.5 } }
  for (let time = 0; time < 2; time++) {
    run.server.serve(prediction, { status: 201 })
    const made = await replicate.predictions.create({
      model: 'meta/llama-4',
      input: { prompt: 'Hi' },
    })
    expect(made.id).toBe('p')
  }
  fal.config({ credentials: 'k', fetch: run.fetch })
  for (let time = 0; time < 2; time++) {
    run.server.serve({ images: [] })
    await fal.run('fal-ai/flux/dev', { input: { prompt: 'cat' } })
  }
  expect(run.records).toEqual([])
  expect(run.errors.map(({ message }) => message)).toEqual([
    expect.stringContaining("Replicate's predictions work, but are not metered") as string,
    expect.stringContaining("fal's requests work, but are not metered") as string,
  ])
})
