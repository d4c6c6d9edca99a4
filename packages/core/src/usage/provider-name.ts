/** Hosts by their ending, longest names of one owner first. The name is what meters and prices know. */
const hosts: readonly (readonly [ending: string, provider: string])[] = [
  ['openai.com', 'openai'],
  ['anthropic.com', 'anthropic'],
  ['openai.azure.com', 'azure'],
  ['cognitiveservices.azure.com', 'azure'],
  ['services.ai.azure.com', 'azure'],
  ['azure-api.net', 'azure'],
  ['openrouter.ai', 'openrouter'],
  ['ai-gateway.vercel.sh', 'vercel'],
  ['gateway.ai.cloudflare.com', 'cloudflare'],
  ['api.cloudflare.com', 'workers-ai'],
  ['helicone.ai', 'helicone'],
  ['hconeai.com', 'helicone'],
  ['portkey.ai', 'portkey'],
  ['llm.stripe.com', 'stripe'],
  ['gateway.smith.langchain.com', 'langsmith'],
  ['groq.com', 'groq'],
  ['deepseek.com', 'deepseek'],
  ['x.ai', 'xai'],
  ['mistral.ai', 'mistral'],
  ['together.xyz', 'together'],
  ['together.ai', 'together'],
  ['fireworks.ai', 'fireworks'],
  ['perplexity.ai', 'perplexity'],
  ['moonshot.ai', 'moonshotai'],
  ['moonshot.cn', 'moonshotai'],
  ['aliyuncs.com', 'alibaba'],
  ['cerebras.ai', 'cerebras'],
  ['cohere.ai', 'cohere'],
  ['cohere.com', 'cohere'],
  ['ollama.com', 'ollama'],
  ['generativelanguage.googleapis.com', 'google'],
  ['databricks.com', 'databricks'],
  ['azuredatabricks.net', 'databricks'],
  ['deepinfra.com', 'deepinfra'],
  ['huggingface.co', 'huggingface'],
  ['voyageai.com', 'voyage'],
  ['ai21.com', 'ai21'],
  ['replicate.com', 'replicate'],
  ['fal.run', 'fal'],
  ['ollama.com', 'ollama'],
  ['nvidia.com', 'nvidia'],
  ['sambanova.ai', 'sambanova'],
  ['z.ai', 'zai'],
  ['bigmodel.cn', 'zai'],
  ['minimax.io', 'minimax'],
  ['minimaxi.com', 'minimax'],
]

/** Hosts with the region in their name. */
const patterns: readonly (readonly [host: RegExp, provider: string])[] = [
  [/^(?:[a-z0-9-]+-)?aiplatform\.(?:[a-z]+\.rep\.)?googleapis\.com$/, 'vertex'],
  // Not any host of AWS: a proxy of one's own is often behind one of its load balancers.
  [/(?:^|\.)bedrock[a-z-]*\..+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/, 'bedrock'],
  [/(?:^|[.-])litellm(?:[.-]|$)/, 'litellm'],
]

/** Local servers by the port they listen on unless told otherwise. */
const localPorts: Readonly<Record<string, string>> = {
  '11434': 'ollama',
  '1234': 'lmstudio',
  '4000': 'litellm',
}
const localHost = /^(?:localhost|\[::1\]|0\.0\.0\.0|127\..+)$/

/** Helicone's hosts that pass requests on to one provider, by their first label. */
const heliconeUpstreams = new Map([
  ['oai', 'openai'],
  ['anthropic', 'anthropic'],
  ['groq', 'groq'],
  ['together', 'together'],
  ['fireworks', 'fireworks'],
  ['openrouter', 'openrouter'],
  ['deepinfra', 'deepinfra'],
  ['perplexity', 'perplexity'],
])

/**
 * Who serves the requests to a base URL. A gateway that passes requests on to one provider as they
 * are (a path of Cloudflare's or LangSmith's, a host of Helicone's) is named by that provider, whose
 * API and way of counting it has. A host that is not known is taken for a proxy of what the SDK is
 * made for; `fallback` names that.
 */
export function providerName(baseUrl: string, fallback: string): string {
  return knownProvider(baseUrl) ?? fallback
}

/** Who serves the requests to an address or a base URL; `undefined` for a host that is not known. */
export function knownProvider(url: string): string | undefined {
  const start = url.indexOf('://')
  if (start < 0) return undefined
  const end = /[/?#]/.exec(url.slice(start + 3))?.index
  const origin = end === undefined ? url : url.slice(0, start + 3 + end)
  let known = byOrigin.get(origin)
  if (known === undefined) {
    if (byOrigin.size >= mostOrigins) byOrigin.clear()
    byOrigin.set(origin, (known = atOrigin(origin)))
  }
  const upstream = upstreamSegment[known]
  if (upstream === undefined) return known || undefined
  const segment = url.slice(origin.length).split(/[/?#]/)[upstream]
  return segment ? canonicalProvider(segment) : known
}

/** Gateways whose path names the provider: which of its segments, from 1. */
const upstreamSegment: Readonly<Record<string, number>> = {
  // `/v1/{account}/{gateway}/{provider}`
  cloudflare: 4,
  // `/{provider}`: what LangChain's models send to where LANGSMITH_GATEWAY is set.
  langsmith: 1,
}

/** Providers by scheme, host and port, empty for none: an application asks for a few on every call. */
const byOrigin = new Map<string, string>()
const mostOrigins = 1000

function atOrigin(origin: string): string {
  if (!URL.canParse(origin)) return ''
  const { hostname, port } = new URL(origin)
  const [, known] =
    hosts.find(([ending]) => hostname === ending || hostname.endsWith(`.${ending}`)) ??
    patterns.find(([host]) => host.test(hostname)) ??
    []
  if (known === 'helicone') return heliconeUpstreams.get(hostname.split('.')[0] as string) ?? known
  return known ?? (localHost.test(hostname) ? localPorts[port] : undefined) ?? ''
}

/** Providers with an API of their own, by the name of its protocol. Everybody else speaks OpenAI's. */
const ownProtocols: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  google: 'google',
  vertex: 'google',
  mistral: 'mistral',
  cohere: 'cohere',
  ollama: 'ollama',
  bedrock: 'bedrock',
}

/** The API that nearly everybody speaks, beside or instead of one of their own. */
export const commonProtocol = 'openai'

/** The name of the protocol that a provider's own API has. */
export function protocolOfProvider(provider: string): string {
  return Object.hasOwn(ownProtocols, provider) ? (ownProtocols[provider] as string) : commonProtocol
}

/** Names that gateways give to a provider in paths and model names, where they differ from ours. */
const aliases: Readonly<Record<string, string>> = {
  // Cloudflare AI Gateway: https://developers.cloudflare.com/ai-gateway/providers/
  'google-ai-studio': 'google',
  'google-vertex-ai': 'vertex',
  'azure-openai': 'azure',
  'aws-bedrock': 'bedrock',
  'perplexity-ai': 'perplexity',
  grok: 'xai',
  compat: 'cloudflare',
  // LiteLLM: https://docs.litellm.ai/docs/providers
  gemini: 'google',
  vertex_ai: 'vertex',
  azure_ai: 'azure',
  together_ai: 'together',
  fireworks_ai: 'fireworks',
  moonshot: 'moonshotai',
  dashscope: 'alibaba',
  vercel_ai_gateway: 'vercel',
  litellm_proxy: 'litellm',
  // OpenRouter: https://openrouter.ai/models
  'x-ai': 'xai',
  'z-ai': 'zai',
  mistralai: 'mistral',
  'meta-llama': 'meta',
  // Hugging Face, whose names servers of open models use: https://huggingface.co/deepseek-ai
  'deepseek-ai': 'deepseek',
}

/** A provider's name as meters and prices know it. */
export function canonicalProvider(name: string): string {
  return Object.hasOwn(aliases, name) ? (aliases[name] as string) : name
}
