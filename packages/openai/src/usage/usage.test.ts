import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chatCompletionsUsage } from './chat-completions.ts'
import { embeddingsUsage } from './embeddings.ts'
import { responsesUsage } from './responses.ts'

const tokens = (input: number, cachedInput: number, cachedWrite: number, output: number) => ({
  input,
  cachedInput,
  cachedWrite,
  output,
})

describe("chatCompletionsUsage: each server's own way of counting", () => {
  test.each([
    [
      'cached inside the prompt',
      'openai',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 15,
        prompt_tokens_details: { cached_tokens: 4 },
      },
      tokens(6, 4, 0, 5),
    ],
    [
      'cache writes inside the prompt',
      'openai',
      {
        prompt_tokens: 2600,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 2000, cache_write_tokens: 400 },
      },
      tokens(200, 2000, 400, 5),
    ],
    [
      'DeepSeek',
      'deepseek',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_cache_hit_tokens: 4,
        prompt_cache_miss_tokens: 6,
      },
      tokens(6, 4, 0, 5),
    ],
    [
      'Moonshot',
      'moonshotai',
      { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50, cached_tokens: 10 },
      tokens(10, 10, 0, 30),
    ],
    [
      'Mistral',
      'mistral',
      { prompt_tokens: 10, completion_tokens: 5, num_cached_tokens: 4 },
      tokens(6, 4, 0, 5),
    ],
    [
      'Mistral, the other way',
      'mistral',
      { prompt_tokens: 10, completion_tokens: 5, prompt_token_details: { cached_tokens: 4 } },
      tokens(6, 4, 0, 5),
    ],
    [
      'Alibaba',
      'alibaba',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 2, cache_creation_input_tokens: 3 },
      },
      tokens(5, 2, 3, 5),
    ],
    [
      'xAI: reasoning outside',
      'xai',
      {
        prompt_tokens: 10120,
        completion_tokens: 1499,
        total_tokens: 14428,
        completion_tokens_details: { reasoning_tokens: 2809 },
      },
      tokens(10120, 0, 0, 4308),
    ],
    [
      'xAI without a total',
      'xai',
      {
        prompt_tokens: 10,
        completion_tokens: 2,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      tokens(10, 0, 0, 9),
    ],
    [
      'reasoning inside',
      'openai',
      {
        prompt_tokens: 10,
        completion_tokens: 9,
        total_tokens: 19,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      tokens(10, 0, 0, 9),
    ],
    [
      'more reasoning than the completion could hold',
      'openai',
      {
        prompt_tokens: 10,
        completion_tokens: 2,
        total_tokens: 12,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      tokens(10, 0, 0, 9),
    ],
    [
      'LiteLLM: the cache of Claude, said twice',
      'litellm',
      {
        prompt_tokens: 20,
        completion_tokens: 5,
        total_tokens: 25,
        cache_read_input_tokens: 11,
        cache_creation_input_tokens: 4,
        prompt_tokens_details: { cached_tokens: 11, cache_creation_tokens: 4 },
      },
      tokens(5, 11, 4, 5),
    ],
    [
      'Gemini: thinking in the total alone',
      'google',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 },
      tokens(10, 0, 0, 30),
    ],
    [
      'a prompt that excludes the cache',
      'openai',
      { prompt_tokens: 3, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 10 } },
      tokens(3, 10, 0, 5),
    ],
    [
      'a total instead of the prompt',
      'openai',
      { completion_tokens: 5, total_tokens: 15 },
      tokens(10, 0, 0, 5),
    ],
    [
      'a total instead of the completion',
      'openai',
      { prompt_tokens: 10, total_tokens: 15 },
      tokens(10, 0, 0, 5),
    ],
    [
      'null details',
      'azure',
      {
        prompt_tokens: 19,
        completion_tokens: 5,
        total_tokens: 24,
        prompt_tokens_details: null,
        reasoning_tokens: 0,
      },
      tokens(19, 0, 0, 5),
    ],
  ])('%s', (_, provider, usage, expected) => {
    expect(chatCompletionsUsage(usage, provider)).toMatchObject({ tokens: expected, problems: [] })
  })

  test('more cached than the prompt has room for is clamped and reported, never negative', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 7,
      total_tokens: 12,
      prompt_tokens_details: { cached_tokens: 9 },
    }
    expect(chatCompletionsUsage(usage)).toMatchObject({
      tokens: tokens(0, 5, 0, 7),
      problems: [expect.stringContaining('9 cached tokens exceed')],
    })
  })

  test('details are kept beside the counts', () => {
    const usage = {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: {
        audio_tokens: 20,
        image_tokens: 10,
        cache_write_tokens: 9,
        cache_write_tokens_details: { ttl_30m_tokens: 4, ttl_12h_tokens: 5 },
      },
      completion_tokens_details: {
        reasoning_tokens: 12,
        audio_tokens: 3,
        accepted_prediction_tokens: 2,
        rejected_prediction_tokens: 1,
      },
      cost: 0.0125,
    }
    expect(chatCompletionsUsage(usage).details).toEqual({
      reasoning: 12,
      audioInput: 20,
      imageInput: 10,
      audioOutput: 3,
      acceptedPrediction: 2,
      rejectedPrediction: 1,
      cachedWrite30m: 4,
      cachedWrite12h: 5,
      providerCostUsd: 0.0125,
    })
  })

  test.each([
    [{ cost: { total_cost: 0.5 } }, 0.5],
    [{ cost_in_usd_ticks: 1_641_500 }, 0.00016415],
    [{ cost: -1 }, undefined],
    [{ cost: 'free' }, undefined],
  ])('the cost a provider reports: %j', (usage, cost) => {
    expect(chatCompletionsUsage(usage).details.providerCostUsd).toBe(cost)
  })
})

const count = fc.nat(1_000_000)

describe('for any usage', () => {
  test('of the inclusive kind the counts re-sum to the total', () => {
    fc.assert(
      fc.property(
        count,
        count,
        count,
        count,
        count,
        (plain, cached, written, output, reasoning) => {
          const input = plain + cached + written
          const total = input + output + reasoning
          const chat = chatCompletionsUsage({
            prompt_tokens: input,
            completion_tokens: output + reasoning,
            total_tokens: total,
            prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
            completion_tokens_details: { reasoning_tokens: reasoning },
          })
          const response = responsesUsage({
            input_tokens: input,
            output_tokens: output + reasoning,
            total_tokens: total,
            input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
            output_tokens_details: { reasoning_tokens: reasoning },
          })
          expect(chat.tokens).toEqual(tokens(plain, cached, written, output + reasoning))
          expect(response.tokens).toEqual(chat.tokens)
        },
      ),
    )
  })

  test('however odd, nothing throws and every count is whole and not negative, or unknown', () => {
    const odd = fc.anything({ maxDepth: 3 })
    const fields = fc.record(
      Object.fromEntries(
        [
          'prompt_tokens',
          'completion_tokens',
          'total_tokens',
          'input_tokens',
          'output_tokens',
          'prompt_tokens_details',
          'input_tokens_details',
          'cached_tokens',
          'cost',
        ].map((name) => [name, fc.oneof(count, odd)]),
      ),
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(fields, odd), (usage) => {
        for (const read of [chatCompletionsUsage, responsesUsage, embeddingsUsage]) {
          for (const value of Object.values(read(usage).tokens)) {
            expect(value === undefined || (Number.isSafeInteger(value) && value >= 0)).toBe(true)
          }
        }
      }),
    )
  })
})
