import { describe, expect, test } from 'vitest'
import { modelSlug } from './model-slug.ts'

describe('modelSlug', () => {
  test.each([
    // Snapshots and aliases become the model that has a price.
    ['openai', 'gpt-5.4', 'openai/gpt-5.4'],
    ['openai', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
    ['openai', 'GPT-5.4', 'openai/gpt-5.4'],
    ['openai', 'chatgpt-4o-latest', 'openai/chatgpt-4o'],
    ['openai', 'gpt-4o-2024-08-06', 'openai/gpt-4o'],
    ['openai', 'gpt-4o-2024-05-13', 'openai/gpt-4o-2024-05-13'],
    ['openai', 'text-embedding-3-small', 'openai/text-embedding-3-small'],
    ['openai', 'gpt-4-0613', 'openai/gpt-4-0613'],
    ['openai', 'ft:gpt-4o-2024-08-06:acme::abc', 'openai/ft:gpt-4o-2024-08-06:acme::abc'],
    // Anthropic versions have dots, and no trailing zero.
    ['anthropic', 'claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'anthropic/claude-sonnet-4.5'],
    ['anthropic', 'claude-opus-4-0', 'anthropic/claude-opus-4'],
    ['anthropic', 'claude-sonnet-4-20250514', 'anthropic/claude-sonnet-4'],
    ['anthropic', 'claude-3-5-haiku-20241022', 'anthropic/claude-3.5-haiku'],
    ['anthropic', 'claude-3-7-sonnet-latest', 'anthropic/claude-3.7-sonnet'],
    ['anthropic', 'claude-3-haiku-20240307', 'anthropic/claude-3-haiku'],
    ['anthropic', 'claude-fable-5', 'anthropic/claude-fable-5'],
    // Gateways name the creator already.
    ['openrouter', 'anthropic/claude-sonnet-4.6', 'anthropic/claude-sonnet-4.6'],
    ['openrouter', 'openai/gpt-5', 'openai/gpt-5'],
    ['vercel', 'anthropic/claude-opus-4.8-fast', 'anthropic/claude-opus-4.8-fast'],
    ['openai', 'openai/gpt-5', 'openai/gpt-5'],
    // Who serves another's model is named too.
    ['groq', 'qwen/qwen3-32b', 'groq/qwen/qwen3-32b'],
    ['groq', 'llama-3.3-70b-versatile', 'groq/llama-3.3-70b-versatile'],
    ['azure', 'gpt-5.4-2026-03-05', 'azure/gpt-5.4'],
    [
      'bedrock',
      'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'bedrock/anthropic/claude-sonnet-4.5',
    ],
    ['bedrock', 'anthropic.claude-opus-4-8', 'bedrock/anthropic/claude-opus-4.8'],
    ['vertex', 'claude-sonnet-4-5@20250929', 'vertex/claude-sonnet-4.5'],
    // Resource paths.
    ['google', 'models/gemini-3-flash', 'google/gemini-3-flash'],
    ['google', 'publishers/google/models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['fireworks', 'accounts/fireworks/models/deepseek-v3', 'fireworks/deepseek-v3'],
    ['google', 'gemini-2.5-flash-preview-09-2025', 'google/gemini-2.5-flash-preview-09-2025'],
  ])('%s %s is %s', (provider, model, slug) => {
    expect(modelSlug(provider, model)).toBe(slug)
  })
})
