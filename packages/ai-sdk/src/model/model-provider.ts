import { providerName } from '@token-meter/core/wire'
import type { AiSdkModel } from '../ai-sdk-client.ts'
import { modelBaseUrl } from './model-base-url.ts'

/** The AI SDK's name of a provider, from its start on, and ours. */
const names: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^gateway\b/, 'vercel'],
  [/vertex|^google-vertex|^googleVertex/, 'vertex'],
  [/^google\b/, 'google'],
  [/bedrock/, 'bedrock'],
  [/^azure\b/, 'azure'],
  [/^together(?:ai|\.ai)?\b/, 'together'],
  [/^x-?ai\b/, 'xai'],
  [/^(?:hugging-?face)\b/, 'huggingface'],
  [/^moonshot(?:ai)?\b/, 'moonshotai'],
  [/^cloudflare-workers-ai|^workers-?ai\b/, 'workers-ai'],
]

/**
 * Who serves a model, in the names of meters and price lists: by the host of its base URL where
 * that is known, else by what the AI SDK calls the provider (`openai.responses`, `amazon-bedrock`).
 */
export function modelProvider(model: AiSdkModel, baseUrl = modelBaseUrl(model)): string {
  const own = ownName(model.provider)
  return baseUrl === undefined ? own : providerName(baseUrl, own)
}

function ownName(provider: string): string {
  const known = names.find(([pattern]) => pattern.test(provider))
  return known?.[1] ?? (provider.split('.', 1)[0] || provider || 'unknown')
}
