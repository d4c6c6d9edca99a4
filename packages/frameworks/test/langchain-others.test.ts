import { ChatCohere } from '@langchain/cohere'
import { ChatGroq } from '@langchain/groq'
import { ChatMistralAI } from '@langchain/mistralai'
import { ChatOllama } from '@langchain/ollama'
import { HTTPClient } from '@mistralai/mistralai/lib/http'
import { cohereProvider } from '@token-meter/cohere'
import { mistralProvider } from '@token-meter/mistral'
import { ollamaProvider } from '@token-meter/ollama'
import { openaiProvider } from '@token-meter/openai'
import { CohereClient } from 'cohere-ai'
import { expect, it } from 'vitest'
import { billed, startRun, toLoopback } from './run.ts'

async function streamed(stream: AsyncIterable<{ readonly text: string }>): Promise<string> {
  let said = ''
  for await (const { text } of stream) said += text
  return said
}

it('@langchain/groq by its fetch', async () => {
  await using run = await startRun([openaiProvider])
  const usage = {
    prompt_tokens: 20,
    completion_tokens: 6,
    total_tokens: 26,
    prompt_tokens_details: { cached_tokens: 16 },
  }
  const llm = new ChatGroq({
    model: 'llama-3.3-70b-versatile',
    apiKey: 'gsk-test',
    maxRetries: 0,
    fetch: run.meter.fetch('cus_1', { fetch: toLoopback(run.server) }),
  })
  const answer = { id: 'c1', created: 1, model: 'llama-3.3-70b-versatile' }
  run.server.serve({
    ...answer,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Green.' }, finish_reason: 'stop' },
    ],
    usage,
  })
  expect((await llm.invoke('Which tea?')).text).toBe('Green.')
  const chunk = { ...answer, object: 'chat.completion.chunk' }
  run.server.serve([
    { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'Green ' } }] },
    { ...chunk, choices: [{ index: 0, delta: { content: 'tea.' } }] },
    {
      ...chunk,
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      x_groq: { id: 'r1', usage },
    },
  ])
  expect(await streamed(await llm.stream('Which tea?'))).toBe('Green tea.')
  expect(run.records.map(billed)).toEqual([
    'cus_1 | groq/llama-3.3-70b-versatile | chat.completions | 4 16 0 6 | complete',
    'cus_1 | groq/llama-3.3-70b-versatile | chat.completions | 4 16 0 6 | complete',
  ])
  expect(run.errors).toEqual([])
})

it('@langchain/mistralai by its httpClient', async () => {
  await using run = await startRun([mistralProvider])
  const usage = { prompt_tokens: 20, completion_tokens: 6, total_tokens: 26 }
  const fetcher = run.meter.fetch('cus_1', { fetch: toLoopback(run.server) })
  const llm = new ChatMistralAI({
    model: 'mistral-large-latest',
    apiKey: 'k',
    maxRetries: 0,
    httpClient: new HTTPClient({ fetcher }),
  })
  const answer = { id: 'c1', created: 1, model: 'mistral-large-latest' }
  run.server.serve({
    ...answer,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Green.' }, finish_reason: 'stop' },
    ],
    usage,
  })
  expect((await llm.invoke('Which tea?')).text).toBe('Green.')
  const chunk = { ...answer, object: 'chat.completion.chunk' }
  run.server.serve(
    [
      { ...chunk, choices: [{ index: 0, delta: { content: 'Green ' }, finish_reason: null }] },
      {
        ...chunk,
        choices: [{ index: 0, delta: { content: 'tea.' }, finish_reason: 'stop' }],
        usage,
      },
    ],
    { usageUnasked: true },
  )
  expect(await streamed(await llm.stream('Which tea?'))).toBe('Green tea.')
  expect(run.records.map(billed)).toEqual([
    'cus_1 | mistral/mistral-large-latest | chat.completions | 20 0 0 6 | complete',
    'cus_1 | mistral/mistral-large-latest | chat.completions | 20 0 0 6 | complete',
  ])
  expect(run.errors).toEqual([])
})

it('@langchain/cohere by its client', async () => {
  await using run = await startRun([cohereProvider])
  const client = new CohereClient({ token: 'k', environment: run.server.url })
  const llm = new ChatCohere({ model: 'command-a-03-2025', client: run.meter(client, 'cus_1') })
  const response = {
    response_id: 'r1',
    generation_id: 'g1',
    text: 'Green tea.',
    finish_reason: 'COMPLETE',
    meta: {
      api_version: { version: '1' },
      billed_units: { input_tokens: 5, output_tokens: 3 },
      tokens: { input_tokens: 71, output_tokens: 3 },
    },
  }
  run.server.serve(response)
  expect((await llm.invoke('Which tea?')).text).toBe('Green tea.')
  const events = [
    { is_finished: false, event_type: 'stream-start', generation_id: 'g2' },
    { is_finished: false, event_type: 'text-generation', text: 'Green ' },
    { is_finished: false, event_type: 'text-generation', text: 'tea.' },
    { is_finished: true, event_type: 'stream-end', finish_reason: 'COMPLETE', response },
  ]
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('')
  run.server.serve(new TextEncoder().encode(lines), {
    headers: { 'content-type': 'application/stream+json' },
  })
  expect(await streamed(await llm.stream('Which tea?'))).toBe('Green tea.')
  expect(run.records.map(({ customer, provider, tokens }) => [customer, provider, tokens])).toEqual(
    [
      ['cus_1', 'cohere', { input: 5, cachedInput: 0, cachedWrite: 0, output: 3 }],
      ['cus_1', 'cohere', { input: 5, cachedInput: 0, cachedWrite: 0, output: 3 }],
    ],
  )
  expect(run.errors).toEqual([])
})

it('@langchain/ollama by its fetch', async () => {
  await using run = await startRun([ollamaProvider])
  const llm = new ChatOllama({
    model: 'llama3.2',
    maxRetries: 0,
    fetch: run.meter.fetch('cus_1', { fetch: toLoopback(run.server) }),
  })
  const part = { model: 'llama3.2', created_at: '2026-01-01T00:00:00Z' }
  const lines = [
    { ...part, message: { role: 'assistant', content: 'Green ' }, done: false },
    { ...part, message: { role: 'assistant', content: 'tea.' }, done: false },
    {
      ...part,
      message: { role: 'assistant', content: '' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 26,
      eval_count: 5,
    },
  ].map((line) => `${JSON.stringify(line)}\n`)
  run.server.serve(new TextEncoder().encode(lines.join('')), {
    headers: { 'content-type': 'application/x-ndjson' },
    times: 2,
  })
  // It streams where it is asked for a whole answer too.
  expect((await llm.invoke('Which tea?')).text).toBe('Green tea.')
  expect(await streamed(await llm.stream('Which tea?'))).toBe('Green tea.')
  expect(run.records.map(({ customer, provider, tokens }) => [customer, provider, tokens])).toEqual(
    [
      ['cus_1', 'ollama', { input: 26, cachedInput: 0, cachedWrite: 0, output: 5 }],
      ['cus_1', 'ollama', { input: 26, cachedInput: 0, cachedWrite: 0, output: 5 }],
    ],
  )
  expect(run.errors).toEqual([])
})
