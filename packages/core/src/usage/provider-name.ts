/** Hosts by their ending, longest names of one owner first. The name is what meters and prices know. */
const hosts: readonly (readonly [ending: string, provider: string])[] = [
  ['api.openai.com', 'openai'],
  ['openai.com', 'openai'],
  ['openai.azure.com', 'azure'],
  ['cognitiveservices.azure.com', 'azure'],
  ['services.ai.azure.com', 'azure'],
  ['azure-api.net', 'azure'],
  ['openrouter.ai', 'openrouter'],
  ['ai-gateway.vercel.sh', 'vercel'],
  ['gateway.ai.cloudflare.com', 'cloudflare'],
  ['helicone.ai', 'helicone'],
  ['portkey.ai', 'portkey'],
  ['llm.stripe.com', 'stripe'],
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
  ['generativelanguage.googleapis.com', 'google'],
  ['aiplatform.googleapis.com', 'vertex'],
  ['amazonaws.com', 'bedrock'],
  ['databricks.com', 'databricks'],
  ['azuredatabricks.net', 'databricks'],
  ['deepinfra.com', 'deepinfra'],
  ['huggingface.co', 'huggingface'],
  ['nvidia.com', 'nvidia'],
  ['sambanova.ai', 'sambanova'],
  ['z.ai', 'zai'],
  ['bigmodel.cn', 'zai'],
]

/** Local servers by the port they listen on unless told otherwise. */
const localPorts: Readonly<Record<string, string>> = { '11434': 'ollama', '1234': 'lmstudio' }

/**
 * Who serves the requests to a base URL. A host that is not known is taken for a proxy of what the
 * SDK is made for; `fallback` names that.
 */
export function providerName(baseUrl: string, fallback: string): string {
  if (latest.baseUrl !== baseUrl) latest = { baseUrl, name: knownName(baseUrl) }
  return latest.name ?? fallback
}

// An application has few base URLs, and asks for one of them on every call.
let latest: { baseUrl: string; name: string | undefined } = { baseUrl: '', name: undefined }

function knownName(baseUrl: string): string | undefined {
  if (!URL.canParse(baseUrl)) return undefined
  const { hostname, port } = new URL(baseUrl)
  const known = hosts.find(([ending]) => hostname === ending || hostname.endsWith(`.${ending}`))
  if (known !== undefined) return known[1]
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  return isLocal ? localPorts[port] : undefined
}
