import { isPromise } from '@token-meter/core/adapter'
import { providerName } from '@token-meter/core/adapter'
import type { AiSdkModel } from './ai-sdk-client.ts'

/**
 * What a model's object says of who serves it: its name of the provider, and the base URL and headers
 * of its configuration, which are private to the provider packages and may be missing.
 */

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

interface ModelConfig {
  readonly baseURL?: unknown
  readonly url?: unknown
}

/**
 * Where a model's requests go, as far as its configuration says: `baseURL`, or the function that
 * makes the URL of a path.
 */
export function modelBaseUrl(model: AiSdkModel): string | undefined {
  try {
    const { baseURL, url } = ((model as { config?: ModelConfig }).config ?? {}) as ModelConfig
    if (typeof baseURL === 'string') return baseURL
    if (typeof url !== 'function') return undefined
    const made: unknown = url({ path: '', modelId: model.modelId })
    return typeof made === 'string' ? made : undefined
  } catch {
    return undefined
  }
}

/** Asked already: a middleware sees the same model with each call, and asking can take a token. */
const asked = new WeakSet<object>()

/**
 * Tells the headers that the model sends with every request, where they are at hand. A function is
 * asked only of the AI Gateway's models: another provider's may sign, or fetch a token.
 */
export function modelHeaders(model: AiSdkModel, tell: (headers: unknown) => void): void {
  try {
    const { headers } = (model as { config?: { headers?: unknown } }).config ?? {}
    if (typeof headers === 'object') return tell(headers)
    if (typeof headers !== 'function' || model.provider !== 'gateway') return
    if (asked.has(headers)) return
    asked.add(headers)
    const made: unknown = headers()
    if (isPromise(made)) void made.then(tell).then(undefined, () => {})
    else tell(made)
  } catch {
    // The request will fail in the same way, and say so.
  }
}
