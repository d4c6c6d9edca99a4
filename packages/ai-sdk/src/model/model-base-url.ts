import type { AiSdkModel } from '../ai-sdk-client.ts'

interface ModelConfig {
  readonly baseURL?: unknown
  readonly url?: unknown
}

/**
 * Where a model's requests go, as far as its configuration says: `baseURL`, or the function that
 * makes the URL of a path. Both are private to the providers, so neither may be there.
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
