import type { WireContext, WireOperation } from '@token-meter/core/wire'
import { describe, expect, test } from 'vitest'
import { openaiJobsWire } from './jobs/protocol.ts'

const jobs = {
  created: () => {},
  creatorOf: () => undefined,
  fieldsOf: () => undefined,
  isBilled: () => false,
  settle: () => true,
}

function boundsOf(path: string, body: Record<string, unknown>, provider = 'openai') {
  const context: WireContext = {
    baseUrl: 'https://h/v1',
    provider,
    jobs: () => jobs,
    warn: () => {},
  }
  const url = `https://h/v1${path}`
  const request = { method: 'POST', url, headers: undefined, body }
  const { endpoint } = openaiJobsWire.open(request, context) as WireOperation
  return endpoint.bounds?.(body, { provider, endpoint: endpoint.name, method: 'POST', body })
}

const messages = [{ role: 'user', content: 'Hi' }]
const dayMs = 86_400_000

describe('the most that a chat completion can use', () => {
  const chat = (fields: object, provider?: string) =>
    boundsOf('/chat/completions', { model: 'm', messages, ...fields }, provider)

  test('is its text, its cap and the number of its answers', () => {
    expect(chat({ max_completion_tokens: 100, n: 3 })).toEqual({
      // 256, and for model 5 + 6 + 1, for messages 8 + 6, a message 6, its role 4 + 6 + 4, its content
      // 7 + 6 + 2, the cap 21 + 6 + 24, n 1 + 6 + 24.
      inputBytes: 256 + 12 + 14 + 6 + 14 + 15 + 51 + 31,
      maxOutput: 100,
      answers: 3,
      beyond: [],
      cacheWrites: true,
      noOutput: false,
    })
    expect(chat({ max_tokens: 7 }, 'groq')).toMatchObject({ maxOutput: 7, cacheWrites: false })
    expect(chat({ max_tokens: 7, max_completion_tokens: 9 })?.maxOutput).toBe(9)
    expect(chat({})?.maxOutput).toBe(undefined)
  })

  test('has no cap where that is not one of its reasoning', () => {
    expect(chat({ max_tokens: 7 }, 'xai')?.maxOutput).toBe(undefined)
    expect(chat({ max_tokens: 7 }, 'alibaba')?.maxOutput).toBe(undefined)
    expect(chat({ max_tokens: 7, thinking_budget: 5 }, 'alibaba')?.maxOutput).toBe(12)
    expect(chat({ max_tokens: 7, enable_thinking: false }, 'alibaba')?.maxOutput).toBe(7)
  })

  test.each([
    [{ model: 'gpt-4o-search-preview' }, 'openai', ['server_tool']],
    [{ model: 'groq/compound' }, 'groq', ['server_tool']],
    [{}, 'perplexity', ['server_tool']],
    [{ web_search_options: {} }, 'openai', ['server_tool']],
    [{ search_parameters: { mode: 'auto' } }, 'xai', ['server_tool']],
    [{ plugins: [{ id: 'web' }] }, 'openrouter', ['server_tool']],
    [{ modalities: ['text', 'audio'], audio: { voice: 'alloy' } }, 'openai', ['media']],
    [{ model: '@preset/x' }, 'openrouter', ['prompt']],
    [{ models: ['a', 'b'] }, 'openrouter', ['unknown']],
    [{ data_sources: [{ type: 'azure_search' }] }, 'azure', ['server_tool']],
  ])('%j of %s is more than its body', (fields, provider, beyond) => {
    expect(chat(fields, provider)?.beyond).toEqual(beyond)
  })
})

test('a completion has its default cap, and answers to each of its prompts', () => {
  const completion = (fields: object, provider?: string) =>
    boundsOf('/completions', { model: 'm', ...fields }, provider)
  expect(completion({ prompt: 'Hi' })).toMatchObject({ maxOutput: 16, answers: 1 })
  expect(completion({ prompt: 'Hi' }, 'together')?.maxOutput).toBe(undefined)
  expect(completion({ prompt: ['a', 'b'], n: 2, best_of: 3, max_tokens: 5 })).toMatchObject({
    maxOutput: 5,
    answers: 6,
  })
  // Tokens count one each.
  expect(completion({ prompt: [1, 2, 3] })?.inputBytes).toBe(256 + 12 + 9)
})

test('a response has its cap, and goes on in the background', () => {
  const response = (fields: object) =>
    boundsOf('/responses', { model: 'm', input: 'Hi', ...fields })
  expect(response({ max_output_tokens: 50 })).toMatchObject({ maxOutput: 50, beyond: [] })
  expect(response({})).not.toHaveProperty('jobForMs')
  expect(response({ background: true })?.jobForMs).toBe(dayMs)
  expect(response({ prompt: { id: 'pmpt_1' } })?.beyond).toEqual(['prompt'])
  expect(response({ previous_response_id: 'resp_1' })?.beyond).toEqual(['history'])
  expect(response({ tools: [{ type: 'file_search', vector_store_ids: ['vs'] }] })?.beyond).toEqual([
    'server_tool',
  ])
})

test('vectors and rankings have no output', () => {
  expect(boundsOf('/embeddings', { model: 'm', input: ['a', 'bc'] })).toMatchObject({
    noOutput: true,
    // Two texts of 32 and 6 more each; the names 5 + 6 + 1 and 5 + 6.
    inputBytes: 256 + 64 + 12 + 11 + 6 + 1 + 6 + 2,
    beyond: [],
  })
  const rerank = (documents: string[]) =>
    boundsOf('/rerank', { model: 'm', query: 'q'.repeat(100), documents }, 'voyage')
  // The query is read with each document.
  const [one, two] = [rerank(['a']), rerank(['a', 'a'])]
  expect(one).toMatchObject({ noOutput: true, beyond: [] })
  expect((two?.inputBytes ?? 0) - (one?.inputBytes ?? 0)).toBeGreaterThan(100)
})

test.each([
  ['/images/generations', { prompt: 'x', n: 2 }, { beyond: ['media'], answers: 2 }],
  ['/audio/speech', { input: 'x' }, { beyond: ['media'] }],
  ['/audio/transcriptions', { model: 'whisper-1' }, { beyond: ['media', 'unread'] }],
  ['/batches', { input_file_id: 'file-1' }, { beyond: ['file'], jobForMs: dayMs }],
  ['/videos', { prompt: 'x' }, { beyond: ['media'], jobForMs: dayMs }],
  ['/threads/t/runs', { assistant_id: 'a' }, { beyond: ['history', 'prompt'], jobForMs: 600_000 }],
])('%s has no bound in tokens', (path, body, expected) => {
  expect(boundsOf(path, body)).toMatchObject(expected)
})
