import Perplexity from '@perplexity-ai/perplexity_ai'
import { describe, expect, test } from 'vitest'
import { startRelative, tokens } from './relatives.ts'
import { chatCompletion } from './scripts.ts'

describe('Perplexity', () => {
  const perplexity = { newClient: (options: object) => new Perplexity(options) }
  const usage = {
    prompt_tokens: 12,
    completion_tokens: 100,
    total_tokens: 112,
    reasoning_tokens: 40,
    citation_tokens: 900,
    num_search_queries: 3,
    search_context_size: 'low',
    cost: {
      input_tokens_cost: 0.01,
      output_tokens_cost: 0.02,
      request_cost: 0.005,
      total_cost: 0.035,
    },
  }
  const answer = { ...chatCompletion, model: 'sonar-deep-research', usage }
  const spent = {
    provider: 'perplexity',
    model: 'sonar-deep-research',
    tokens: tokens(12, 0, 0, 140),
    details: { webSearchRequests: 3, citationTokens: 900, reasoning: 40, providerCostUsd: 0.035 },
    cost: { provider: '0.035', source: 'reported' },
  }

  test('an answer that is fetched when it is done, once, to who asked for it', async () => {
    await using run = await startRelative(perplexity)
    const job = { id: 'async_1', model: 'sonar-deep-research', created_at: 1 }
    run.server.serve({ ...job, status: 'CREATED' })
    run.server.serve({ ...job, status: 'IN_PROGRESS' })
    run.server.serve(
      { ...job, status: 'COMPLETED', completed_at: 2, response: answer },
      { times: 2 },
    )
    const request = {
      model: 'sonar-deep-research',
      messages: [{ role: 'user' as const, content: 'Hi' }],
    }
    await run.metered.async.chat.completions.create({ request })
    for (let poll = 0; poll < 3; poll++) await run.metered.async.chat.completions.get('async_1')
    expect(run.records).toMatchObject([
      { ...spent, endpoint: 'async.chat.completions', responseId: 'async_1' },
    ])
    expect(run.errors).toEqual([])
  })

  test('searches, embeddings in context, and what they cost', async () => {
    await using run = await startRelative(perplexity)
    run.server.serve({ id: 'search_1', results: [{ title: 't', url: 'u', snippet: 's' }] })
    await run.metered.search.create({ query: 'news' })
    const cost = { currency: 'USD', input_cost: 0.0001, total_cost: 0.0001 }
    run.server.serve({
      object: 'list',
      model: 'pplx-embed-context-v1-0.6b',
      data: [],
      usage: { prompt_tokens: 21, total_tokens: 21, cost },
    })
    const asked = { model: 'pplx-embed-context-v1-0.6b', input: [['a', 'b']] }
    await run.metered.contextualizedEmbeddings.create(asked as never)
    expect(run.records).toMatchObject([
      {
        endpoint: 'search',
        responseId: 'search_1',
        details: { webSearchRequests: 1 },
        tokens: tokens(0, 0, 0, 0),
      },
      { endpoint: 'embeddings', tokens: tokens(21, 0, 0, 0), cost: { provider: '0.0001' } },
    ])
    expect(run.errors).toEqual([])
  })

  test('a search that failed is none', async () => {
    await using run = await startRelative(perplexity)
    run.server.serve({ error: { message: 'no', type: 'invalid' } })
    await run.metered.search.create({ query: 'news' })
    expect(run.records).toEqual([])
  })
})
