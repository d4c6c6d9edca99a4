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
    ['vercel', 'openai/gpt-5.4', 'openai/gpt-5.4'],
    ['vercel', 'vercel/v0-1.5-md', 'vercel/v0-1.5-md'],
    ['stripe', 'anthropic/claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['stripe', 'google/gemini-3-flash', 'google/gemini-3-flash'],
    ['openrouter', 'anthropic/claude-4.5-sonnet-20250929', 'anthropic/claude-sonnet-4.5'],
    ['openrouter', 'anthropic/claude-3.7-sonnet:thinking', 'anthropic/claude-3.7-sonnet:thinking'],
    ['openrouter', 'openai/gpt-4o-2024-08-06', 'openai/gpt-4o'],
    ['openrouter', 'openai/gpt-4o-2024-05-13', 'openai/gpt-4o-2024-05-13'],
    ['openrouter', 'openrouter/auto', 'openrouter/auto'],
    ['openrouter', 'x-ai/grok-4', 'xai/grok-4'],
    ['openrouter', 'meta-llama/llama-3.3-70b-instruct:free', 'meta/llama-3.3-70b-instruct:free'],
    ['openrouter', 'deepseek/deepseek-v3.2:nitro', 'deepseek/deepseek-v3.2'],
    ['openrouter', 'openai/gpt-5.4:online', 'openai/gpt-5.4'],
    ['openrouter', 'z-ai/glm-4.6:free:online', 'zai/glm-4.6:free'],
    ['cloudflare', 'openai/gpt-5', 'openai/gpt-5'],
    ['cloudflare', 'gpt-5-2025-08-07', 'openai/gpt-5'],
    ['cloudflare', 'anthropic/claude-4-5-sonnet', 'anthropic/claude-sonnet-4.5'],
    ['cloudflare', 'google-ai-studio/gemini-3-flash', 'google/gemini-3-flash'],
    ['cloudflare', 'grok/grok-4', 'xai/grok-4'],
    ['cloudflare', 'google-vertex-ai/google/gemini-2.5-pro', 'vertex/gemini-2.5-pro'],
    [
      'cloudflare',
      'workers-ai/@cf/meta/llama-3.1-8b-instruct',
      'workers-ai/meta/llama-3.1-8b-instruct',
    ],
    ['helicone', 'gpt-5.4', 'openai/gpt-5.4'],
    ['helicone', 'claude-4.5-sonnet', 'anthropic/claude-sonnet-4.5'],
    ['helicone', 'claude-3-7-sonnet-20250219/anthropic', 'anthropic/claude-3.7-sonnet'],
    ['helicone', 'gpt-4o-mini/openai,gpt-4o-mini/azure', 'openai/gpt-4o-mini'],
    ['helicone', 'no-family-we-know', 'helicone/no-family-we-know'],
    ['portkey', '@openai-prod/gpt-5.4', 'openai/gpt-5.4'],
    ['portkey', '@my-bedrock/us.anthropic.claude-sonnet-4-6-v1:0', 'anthropic/claude-sonnet-4.6'],
    ['portkey', 'gemini-3-flash', 'google/gemini-3-flash'],
    ['litellm', 'claude-sonnet-4-5', 'anthropic/claude-sonnet-4.5'],
    ['litellm', 'gemini/gemini-3-flash', 'google/gemini-3-flash'],
    ['litellm', 'vertex_ai/claude-sonnet-4-5@20250929', 'vertex/claude-sonnet-4.5'],
    [
      'litellm',
      'bedrock/us.anthropic.claude-sonnet-4-6-v1:0',
      'bedrock/anthropic/claude-sonnet-4.6',
    ],
    ['litellm', 'azure/gpt-5.4', 'azure/gpt-5.4'],
    ['litellm', 'openrouter/anthropic/claude-sonnet-4.6', 'anthropic/claude-sonnet-4.6'],
    ['litellm', 'fireworks_ai/accounts/fireworks/models/deepseek-v3', 'fireworks/deepseek-v3'],
    // A host that is not known can be a proxy of anything.
    ['openai', 'openai/gpt-5', 'openai/gpt-5'],
    ['openai', 'anthropic/claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['openai', 'claude-sonnet-4-6', 'anthropic/claude-sonnet-4.6'],
    ['openai', 'Qwen/Qwen3-32B', 'qwen/qwen3-32b'],
    ['openai', 'deepseek-ai/DeepSeek-V3', 'deepseek/deepseek-v3'],
    ['openai', '/models/my-model', 'openai/my-model'],
    ['openai', 'ft:gpt-4o-mini:acme:online:1', 'openai/ft:gpt-4o-mini:acme:online:1'],
    ['anthropic', 'gpt-5.4', 'openai/gpt-5.4'],
    ['anthropic', 'my-alias', 'anthropic/my-alias'],
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
    ['bedrock', 'global.anthropic.claude-opus-4-6-v1', 'bedrock/anthropic/claude-opus-4.6'],
    ['bedrock', 'qwen.qwen3-32b-v1:0', 'bedrock/qwen/qwen3-32b'],
    ['bedrock', 'ca.amazon.nova-lite-v1:0', 'bedrock/amazon/nova-lite'],
    [
      'bedrock',
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-6-v1:0',
      'bedrock/anthropic/claude-sonnet-4.6',
    ],
    [
      'bedrock',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
      'bedrock/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
    ],
    ['vertex', 'claude-3-5-sonnet-v2@20241022', 'vertex/claude-3.5-sonnet'],
    ['vertex', 'claude-sonnet-4-5@20250929', 'vertex/claude-sonnet-4.5'],
    ['vertex', 'google/gemini-2.5-pro', 'vertex/gemini-2.5-pro'],
    ['bedrock', 'openai.gpt-oss-120b-1:0', 'bedrock/openai/gpt-oss-120b'],
    ['workers-ai', '@cf/openai/gpt-oss-120b', 'workers-ai/openai/gpt-oss-120b'],
    ['ollama', 'llama3.2:3b', 'ollama/llama3.2:3b'],
    ['ollama', 'x-8:22', 'ollama/x-8:22'],
    ['openai', 'x-v8:22', 'openai/x-v8:22'],
    ['openai', 'anthropic.claude-sonnet-4-6-v1:0', 'anthropic/claude-sonnet-4.6'],
    ['openrouter', 'anthropic/claude-sonnet-4-6-v1:0', 'anthropic/claude-sonnet-4.6'],
    // Resource paths.
    ['google', 'models/gemini-3-flash', 'google/gemini-3-flash'],
    ['google', 'publishers/google/models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['fireworks', 'accounts/fireworks/models/deepseek-v3', 'fireworks/deepseek-v3'],
    ['google', 'gemini-2.5-flash-preview-09-2025', 'google/gemini-2.5-flash-preview-09-2025'],
  ])('%s %s is %s', (provider, model, slug) => {
    expect(modelSlug(provider, model)).toBe(slug)
  })

  test.each(['openai/', '@a/', 'openrouter/'])('35 KB of %s are a name as any other', (part) => {
    const model = part.repeat(35_000 / part.length)
    expect(modelSlug('openai', `${model}gpt-5.4`)).toMatch(/gpt-5\.4$/)
  })
})
