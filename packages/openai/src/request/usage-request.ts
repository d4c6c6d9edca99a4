import type { Call } from '@token-meter/core/wire'

/**
 * Servers that are known to take `stream_options.include_usage`, by provider name, and do not send
 * their usage anyway: OpenRouter, Groq (in `x_groq`), Moonshot (in `choices[0]`), Mistral and
 * Perplexity do, and asking would change where the caller finds it.
 */
const takesIncludeUsage = new Set([
  'openai',
  'anthropic',
  'azure',
  'deepseek',
  'xai',
  'together',
  'fireworks',
  'alibaba',
  'cerebras',
  'google',
  'vertex',
  'workers-ai',
  'vercel',
  'stripe',
  'cloudflare',
  'helicone',
  'portkey',
  'litellm',
  'ollama',
  'lmstudio',
  'vllm',
  'llamacpp',
])

/** Azure took the option with this API version: https://learn.microsoft.com/azure/ai-services/openai/reference */
const firstAzureVersion = '2024-09-01'

/** One request's wish to be told its usage, which the caller has not asked for. */
export interface UsageRequest {
  /** False once the server refused it. */
  active: boolean
  /** The caller's body has `stream_options` of its own, to be kept. */
  readonly keepsOptions: boolean
  /** The server and the model, for remembering a refusal. */
  readonly asked: string
}

/** Until when a model of a server is not asked again, in ms since the epoch. */
const refusedUntil = new Map<string, number>()
const refusalMs = 60 * 60 * 1000
const requests = new WeakMap<Call, UsageRequest>()

/** What decides whether a stream is asked for its usage. */
export interface UsageRequestContext {
  readonly call: Call
  readonly baseUrl: string
  /** Azure's API version, where the client has one. */
  readonly apiVersion: string | undefined
  /** The application's own decision. */
  readonly includeUsage: boolean | undefined
}

/** Decides whether a call's stream is asked for its usage; `undefined` when it is not. */
export function usageRequest(context: UsageRequestContext): UsageRequest | undefined {
  const { call, baseUrl, includeUsage } = context
  const { stream, stream_options: options } = call.body
  const streams = call.endpoint === 'chat.completions' || call.endpoint === 'completions'
  if (!streams || stream !== true || options?.include_usage === true) return undefined
  if (includeUsage === false || (includeUsage === undefined && !isTaken(context))) return undefined
  const asked = `${baseUrl} ${String(call.body.model)}`
  if ((refusedUntil.get(asked) ?? 0) > Date.now()) return undefined
  const request = { active: true, keepsOptions: options !== undefined, asked }
  requests.set(call, request)
  return request
}

/** True when the call's usage chunk is ours alone, so that the caller must not see it. */
export function hidesUsage(call: Call): boolean {
  return requests.get(call)?.active === true
}

/** The server took the request without the option: for a while it is not asked for this model. */
export function rememberRefusal({ asked }: UsageRequest): void {
  refusedUntil.set(asked, Date.now() + refusalMs)
}

function isTaken({ call, apiVersion }: UsageRequestContext): boolean {
  if (!takesIncludeUsage.has(call.provider)) return false
  if (call.provider !== 'azure') return true
  // "On Your Data" answers 400 to the option, and so do older API versions.
  if (call.body.data_sources !== undefined) return false
  return apiVersion === undefined || !/^\d{4}/.test(apiVersion) || apiVersion >= firstAzureVersion
}

/**
 * A request body, already serialised, that asks for the usage; `undefined` when it is no JSON
 * object.
 */
export function askForUsage(body: string, request: UsageRequest): string | undefined {
  if (!/^\s*\{/.test(body)) return undefined
  if (!request.keepsOptions) {
    return body.replace(/^\s*\{/, '{"stream_options":{"include_usage":true},')
  }
  const parsed = JSON.parse(body) as { stream_options?: object | null }
  parsed.stream_options = { ...parsed.stream_options, include_usage: true }
  return JSON.stringify(parsed)
}
