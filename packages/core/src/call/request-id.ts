/** What providers name a request by, in the headers of the answer. */
const names: readonly string[] = [
  // OpenAI and most that speak its language.
  'x-request-id',
  // Anthropic.
  'request-id',
  // Amazon Bedrock, Azure.
  'x-amzn-requestid',
  'apim-request-id',
]

/**
 * The provider's id of a request, from the headers that its answer came with: a `Headers` of any
 * kind, or a plain object. `undefined` where there is none. Never throws.
 */
export function requestIdOf(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  try {
    const { get } = headers as { get?: unknown }
    for (const name of names) {
      const value: unknown =
        typeof get === 'function'
          ? get.call(headers, name)
          : (headers as Readonly<Record<string, unknown>>)[name]
      if (typeof value === 'string' && value !== '') return value
    }
  } catch {
    // Headers of somebody's own.
  }
  return undefined
}
