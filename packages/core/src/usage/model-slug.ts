/** Turns a provider and its own model name into the `provider/model` of meters and price lists. */
export type ModelSlug = (provider: string, model: string) => string

/** Servers of other people's models whose names already say the creator: `openai/gpt-5.4`. */
const gateways = new Set([
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

/**
 * The slug as Stripe and Vercel write it: lower case, no snapshot date, no `-latest`, dots in
 * Anthropic versions (`claude-sonnet-4-5-20250929` is `anthropic/claude-sonnet-4.5`).
 * A gateway's name stays as it is; another server's model keeps its creator
 * (`groq/qwen/qwen3-32b`).
 */
export const modelSlug: ModelSlug = (provider, model) => {
  const name = withoutSnapshot(withoutResourcePath(model.trim().toLowerCase()))
  if (gateways.has(provider) && name.includes('/')) return withAnthropicVersion(name)
  if (name.startsWith(`${provider}/`)) return withAnthropicVersion(name)
  return withAnthropicVersion(`${provider}/${name}`)
}

/** Vertex, Gemini and Fireworks name models by path; Bedrock by region and vendor. */
function withoutResourcePath(model: string): string {
  return model
    .replace(/^(?:projects\/[^/]+\/locations\/[^/]+\/)?publishers\/[^/]+\/models\//, '')
    .replace(/^(?:accounts\/[^/]+\/)?models\//, '')
    .replace(
      /^(?:(?:us|eu|apac|global|us-gov|jp|au)\.)?(anthropic|meta|mistral|amazon|cohere|deepseek|openai)\./,
      '$1/',
    )
}

function withoutSnapshot(model: string): string {
  if (pricedByDate.has(model) || model.startsWith('ft:')) return model
  return model
    .replace(/-v\d+:\d+(?=$|:)/, '')
    .replace(/@(?:\d{8}|default|latest)$/, '')
    .replace(/-\d{4}-\d{2}-\d{2}$/, '')
    .replace(/-\d{8}$/, '')
    .replace(/-latest$/, '')
}

/** `claude-opus-4-1` is version 4.1, `claude-opus-4-0` is version 4. */
function withAnthropicVersion(slug: string): string {
  if (!slug.includes('claude-')) return slug
  return slug.replace(/(claude(?:-[a-z]+)?-\d{1,2})-(\d{1,2})(?=$|-)/, (_, major, minor) =>
    minor === '0' ? major : `${major}.${minor}`,
  )
}
