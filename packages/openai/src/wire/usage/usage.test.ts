import { describe, expect, test } from 'vitest'
import { chatCompletionsUsage } from './chat-completions.ts'
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
      'Moonshot: a zero in the details beside the count at the top',
      'moonshotai',
      {
        prompt_tokens: 20,
        completion_tokens: 30,
        total_tokens: 50,
        cached_tokens: 10,
        prompt_tokens_details: { cached_tokens: 0 },
      },
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
      'more reasoning than the completion could hold, and no total',
      'openai',
      {
        prompt_tokens: 10,
        completion_tokens: 2,
        completion_tokens_details: { reasoning_tokens: 7 },
      },
      tokens(10, 0, 0, 9),
    ],
    [
      'xAI, whose total leaves its reasoning out',
      'xai',
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
      'Sakana: orchestration beside prompt and completion',
      'sakana',
      {
        prompt_tokens: 212,
        completion_tokens: 522,
        total_tokens: 7250,
        prompt_tokens_details: {
          orchestration_input_tokens: 5463,
          orchestration_input_cached_tokens: 63,
        },
        completion_tokens_details: { reasoning_tokens: 0, orchestration_output_tokens: 1053 },
      },
      tokens(5612, 63, 0, 1575),
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

describe("responsesUsage: each server's own way of counting", () => {
  const orchestrated = {
    input_tokens: 120,
    output_tokens: 80,
    input_tokens_details: {
      cached_tokens: 20,
      orchestration_input_tokens: 300,
      orchestration_input_cached_tokens: 50,
    },
    output_tokens_details: { reasoning_tokens: 90, orchestration_output_tokens: 40 },
  }
  test.each([
    [
      'Perplexity: reads and writes of the cache by the names Anthropic has for them',
      'perplexity',
      {
        input_tokens: 100,
        output_tokens: 30,
        total_tokens: 130,
        input_tokens_details: { cache_read_input_tokens: 60, cache_creation_input_tokens: 25 },
      },
      tokens(15, 60, 25, 30),
    ],
    [
      'Orq: cache writes by another name',
      'orq',
      {
        input_tokens: 100,
        output_tokens: 30,
        total_tokens: 130,
        input_tokens_details: { cached_tokens: 60, cache_creation_tokens: 25 },
      },
      tokens(15, 60, 25, 30),
    ],
    [
      'Sakana: orchestration beside input and output, in the total',
      'sakana',
      { ...orchestrated, total_tokens: 540 },
      tokens(350, 70, 0, 120),
    ],
    [
      'Sakana without a total',
      'sakana',
      { ...orchestrated, total_tokens: undefined },
      tokens(350, 70, 0, 120),
    ],
    [
      'a gateway that folded orchestration into input and output',
      'litellm',
      {
        input_tokens: 420,
        output_tokens: 120,
        total_tokens: 540,
        input_tokens_details: { cached_tokens: 70, orchestration_input_tokens: 300 },
        output_tokens_details: { orchestration_output_tokens: 40 },
      },
      tokens(350, 70, 0, 120),
    ],
  ])('%s', (_, provider, usage, expected) => {
    expect(responsesUsage(usage, provider)).toMatchObject({ tokens: expected, problems: [] })
  })

  test('orchestration too large to add up is unknown and reported', () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 5,
      input_tokens_details: { orchestration_input_tokens: Number.MAX_SAFE_INTEGER },
    }
    expect(responsesUsage(usage)).toMatchObject({
      tokens: { input: undefined, output: 5 },
      problems: [expect.stringContaining('cannot be a token count')],
    })
  })

  test('the cost of Perplexity is in an object', () => {
    const usage = { input_tokens: 1, output_tokens: 1, cost: { currency: 'USD', total_cost: 0.25 } }
    expect(responsesUsage(usage).details.providerCostUsd).toBe(0.25)
  })
})
