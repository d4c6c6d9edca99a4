import { canonicalProvider } from './provider-name.ts'

/** Turns a provider and its own model name into the `provider/model` of meters and price lists. */
export type ModelSlug = (provider: string, model: string) => string

/**
 * Servers of other people's models, which are priced by the model's creator. `openai` and
 * `anthropic` are among them because a host that is not known is taken for one of the two, and can
 * be a proxy of anything.
 */
const gateways = new Set([
  'openai',
  'anthropic',
  'openrouter',
  'vercel',
  'cloudflare',
  'helicone',
  'portkey',
  'litellm',
  'stripe',
])

/** A snapshot that is priced unlike the model's other snapshots keeps its date. */
const pricedByDate = new Set(['gpt-4o-2024-05-13'])

/** OpenRouter's endings that choose a route to a model, and are no model of their own: https://openrouter.ai/docs/guides/routing/model-variants */
const routing = /:(?:nitro|floor|online|exacto)(?=$|:)/g
/** Its endings that have a price of their own. */
const variant = /:(?:free|thinking|extended|beta)$/

const bedrockVendor =
  /^(?:(?:us|eu|apac|global|us-gov|jp|au|ca)\.)?(anthropic|meta|mistral|amazon|cohere|deepseek|openai|qwen|ai21)\./

/**
 * The slug as Stripe and Vercel write it: lower case, no snapshot date, no `-latest`, dots in
 * Anthropic versions (`claude-sonnet-4-5-20250929` is `anthropic/claude-sonnet-4.5`).
 * Through a gateway it is the slug of the creator's own API, whichever way the gateway writes the
 * model (`anthropic/claude-sonnet-4.6` stays so); another server's model keeps its creator
 * (`groq/qwen/qwen3-32b`).
 */
export const modelSlug: ModelSlug = (provider, model) => slugOf(provider, model, mostHops)

/** Names in front of a model that are looked behind: an account, a gateway, another one, a server. */
const mostHops = 4

function slugOf(provider: string, model: string, hops: number): string {
  const name = withoutResourcePath(model.trim().toLowerCase().replace(/^\/+/, ''), provider)
  return gateways.has(provider) && hops > 0
    ? gatewaySlug(provider, name, hops)
    : hostSlug(provider, name)
}

function gatewaySlug(gateway: string, model: string, hops: number): string {
  if (model.startsWith('ft:')) return hostSlug('openai', model)
  // Portkey's `@name/` is what the application called its account of a provider.
  if (/^@[^/]+\//.test(model)) return slugOf(gateway, model.slice(model.indexOf('/')), hops - 1)
  const routed = model.replace(routing, '')
  const [ending = ''] = variant.exec(routed) ?? []
  const name = ending === '' ? routed : routed.slice(0, -ending.length)
  const slash = name.indexOf('/')
  const [first, rest] = [name.slice(0, slash), name.slice(slash + 1)]
  if (slash === -1) return hostSlug(modelCreator(name) ?? gateway, name) + ending
  // Helicone has the provider behind the model, and alternatives behind that.
  const creator = gateway === 'helicone' ? modelCreator(first) : undefined
  if (creator !== undefined) return hostSlug(creator, first) + ending
  return slugOf(canonicalProvider(first), rest, hops - 1) + ending
}

function hostSlug(provider: string, model: string): string {
  const name = withoutSnapshot(model)
  const own = name.startsWith(`${provider}/`) ? name : `${provider}/${name}`
  return withAnthropicVersion(own.replace(/^vertex\/google\//, 'vertex/'))
}

/** Vertex, Gemini, Fireworks and Workers AI name models by path; Bedrock by region and vendor. */
function withoutResourcePath(model: string, provider: string): string {
  const id = model
    .replace(/^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/[^/]+\/models\//, '')
    .replace(/^(?:accounts\/[^/]+\/)?models\//, '')
    .replace(/^@(?:cf|hf)\//, '')
    .replace(/^arn:[^/]*:(?:foundation-model|inference-profile)\//, '')
  const name = id.replace(bedrockVendor, '$1/')
  // Only of Bedrock: elsewhere `-8:22` can be a size and a tag.
  const isBedrock = name !== id || (provider === 'bedrock' && !id.startsWith('arn:'))
  return isBedrock ? name.replace(/-v?\d+:\d+(?=$|:)/, '') : name
}

function withoutSnapshot(model: string): string {
  if (pricedByDate.has(model) || /^(?:ft|arn):/.test(model)) return model
  return (
    model
      .replace(/@(?:\d{8}|default|latest)$/, '')
      // Of Bedrock and Vertex, which number the snapshots of one Claude.
      .replace(/-v\d+(?::\d+)?$(?<=claude-(?:[a-z]+-)?\d[\w.:-]*)/, '')
      .replace(/-\d{4}-\d{2}-\d{2}$/, '')
      .replace(/-\d{8}$/, '')
      .replace(/-latest$/, '')
  )
}

/**
 * `claude-opus-4-1` is version 4.1, `claude-opus-4-0` is version 4; gateways that write versions
 * from 4 on before the name, as it was until 3.7, mean the same model.
 */
function withAnthropicVersion(slug: string): string {
  if (!slug.includes('claude-')) return slug
  return slug
    .replace(/(claude(?:-[a-z]+)?-\d{1,2})-(\d{1,2})(?=$|-)/, (_, major, minor) =>
      minor === '0' ? major : `${major}.${minor}`,
    )
    .replace(/claude-([4-9](?:\.\d{1,2})?)-(opus|sonnet|haiku)(?=$|-)/, 'claude-$2-$1')
}

/** Families of models by how their names begin. Only what no other creator uses. */
const families: readonly (readonly [beginning: RegExp, creator: string])[] = [
  [/^(?:gpt-|chatgpt-|o[1-9](?:-|$)|text-embedding-(?:3|ada)|codex-|dall-e-)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^(?:gemini-|gemma-)/, 'google'],
  [/^grok-/, 'xai'],
  [/^(?:mistral|ministral|magistral|codestral|devstral|pixtral|mixtral)-/, 'mistral'],
  [/^deepseek-/, 'deepseek'],
  [/^llama-/, 'meta'],
  [/^kimi-/, 'moonshotai'],
  [/^glm-/, 'zai'],
  [/^sonar(?:-|$)/, 'perplexity'],
  [/^command-/, 'cohere'],
]

/** Who made a model, by its bare name in lower case; `undefined` where the name does not say. */
export function modelCreator(model: string): string | undefined {
  return families.find(([beginning]) => beginning.test(model))?.[1]
}
