import { expect, test } from 'vitest'
import { metronomeModelSlug } from './metronome-model-slug.ts'

test.each([
  ['openai', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
  ['azure', 'gpt-5.4-2026-03-05', 'openai/gpt-5.4'],
  ['anthropic', 'claude-sonnet-4-5-20250929', 'anthropic/claude-sonnet-4.5'],
  ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-sonnet-4.5'],
  ['vertex', 'claude-sonnet-4-5@20250929', 'anthropic/claude-sonnet-4.5'],
  ['google', 'gemini-2.5-pro', 'google/gemini-2.5-pro'],
  ['vertex', 'gemini-2.5-pro', 'google/gemini-2.5-pro'],
  ['openrouter', 'anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
  ['groq', 'qwen/qwen3-32b', 'groq/qwen/qwen3-32b'],
  ['xai', 'grok-4', 'xai/grok-4'],
  ['openai', 'my-own-model', 'openai/my-own-model'],
])('%s, %s is %s', (provider, model, slug) => {
  expect(metronomeModelSlug(provider, model)).toBe(slug)
})
