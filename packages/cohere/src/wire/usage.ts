import {
  type CountReader,
  countReader,
  isPlain,
  jsonObject,
  type UsageCounts,
  usageDetails,
  type UsageOf,
} from '@token-meter/core/wire'

/** What an endpoint is billed by. */
export type BilledBy =
  /** Tokens that the model read and wrote. */
  | 'tokens'
  /** Tokens, and it writes none. */
  | 'input'
  /** Search units, classifications, pages: no tokens at all. */
  | 'pieces'

/**
 * What an answer of Cohere's is billed for: the `usage` of chat (v2), the `meta` of everything else.
 *
 * `billed_units` are on the bill, `tokens` are what the model worked on: the prompt with all that
 * Cohere writes around it, which nobody pays for. `cached_tokens` are a part of those, and have no price
 * of their own. Image tokens stand beside the input tokens, at another price.
 * https://docs.cohere.com/docs/how-does-cohere-pricing-work
 *
 * @param of `sum` where many requests were added up, whose counts can be of any size.
 */
export function billedUsage(usage: unknown, by: BilledBy, of: UsageOf = 'response'): UsageCounts {
  const problems: string[] = []
  const count = countReader(problems, of)
  const { billed_units, tokens } = jsonObject(usage)
  const billed = jsonObject(billed_units)
  const pieces = {
    images: count(billed.images, 'images'),
    pages: count(billed.pages, 'pages'),
    searchUnits: count(billed.search_units, 'search_units'),
    classifications: count(billed.classifications, 'classifications'),
  }
  const imageInput = count(billed.image_tokens, 'image_tokens')
  const textInput = count(billed.input_tokens, 'input_tokens')
  const isUnreadable = textInput === undefined && (billed.input_tokens ?? undefined) !== undefined
  const stated = {
    // Beside a count that cannot be, images are not all of the input.
    input: isUnreadable ? undefined : sum(textInput, imageInput),
    output: count(billed.output_tokens, 'output_tokens'),
  }
  const hasPieces = Object.values(pieces).some(Boolean)
  const details = usageDetails({ ...pieces, imageInput })
  // What is embedded can be images alone; a model that answers reads and writes, whatever it searches.
  const isPieces = by === 'input' && hasPieces && stated.input === undefined && !isUnreadable
  if (by === 'pieces' || isPieces) {
    if (!hasPieces && !stated.input && !stated.output) {
      problems.push('it does not say what is billed: no search units, classifications or pages')
    }
    return { tokens: disjoint(stated.input ?? 0, stated.output ?? 0), details, problems }
  }
  const worked = workedTokens(tokens, count)
  const isStated = Boolean(stated.input || stated.output)
  const isOther = (own: number | undefined, other: number | undefined) =>
    other !== undefined && (own === undefined || (!isStated && other > 0))
  const counts = { ...stated }
  for (const name of ['input', 'output'] as const) {
    if (name === 'output' && by === 'input') continue
    if (!isOther(stated[name], worked[name])) continue
    counts[name] = worked[name]
    problems.push(`its billed_units have no ${name} tokens: counted are those that the model had`)
  }
  if (by === 'input') counts.output ??= 0
  return { tokens: disjoint(counts.input, counts.output), details, problems }
}

/** What of a `meta` is usage: the rest are versions and warnings. */
export function usageOfMeta(meta: unknown): object | undefined {
  if (!isPlain(meta)) return undefined
  const usage: Record<string, unknown> = {}
  for (const name of ['billed_units', 'tokens', 'cached_tokens']) {
    if (meta[name] !== undefined && meta[name] !== null) usage[name] = meta[name]
  }
  return Object.keys(usage).length > 0 ? usage : undefined
}

interface Worked {
  readonly input: number | undefined
  readonly output: number | undefined
}

function workedTokens(tokens: unknown, count: CountReader): Worked {
  const fields = jsonObject(tokens)
  return {
    input: count(fields.input_tokens, 'tokens.input_tokens'),
    output: count(fields.output_tokens, 'tokens.output_tokens'),
  }
}

function disjoint(input: number | undefined, output: number | undefined): UsageCounts['tokens'] {
  return { input, cachedInput: 0, cachedWrite: 0, output }
}

function sum(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined ? other : one + (other ?? 0)
}
