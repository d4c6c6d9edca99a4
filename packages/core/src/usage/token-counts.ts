/**
 * The types of tokens, in the order in which they become meter events: the name of the count in a
 * record, the name on the wire (in meter events, and on meters), and whether the model read the
 * tokens (`input`, cached or not) or wrote them. All that is done with tokens is derived from this
 * list, so that a new type is one more row: the compiler names what else it needs.
 */
export const tokenTypes = [
  { count: 'input', type: 'input', side: 'input' },
  { count: 'cachedInput', type: 'cached_input', side: 'input' },
  { count: 'cachedWrite', type: 'cached_write', side: 'input' },
  { count: 'output', type: 'output', side: 'output' },
] as const satisfies readonly TokenTypeRow[]

interface TokenTypeRow {
  readonly count: string
  readonly type: string
  readonly side: 'input' | 'output'
}

/** The names of the counts: `input`, `cachedInput`, `cachedWrite` and `output`. */
export type TokenCountName = (typeof tokenTypes)[number]['count']

/** Their names on the wire, in meter events and on meters. */
export type TokenType = (typeof tokenTypes)[number]['type']

/**
 * Tokens of one response on one model, split so that no token is counted twice: `input` excludes
 * cached reads and writes, `output` includes reasoning. Their sum is what the provider bills.
 * Whole numbers, zero or more.
 */
export type TokenCounts = { readonly [Count in TokenCountName]: number }

/** Counts of which some may not be known. */
export type KnownCounts = { readonly [Count in TokenCountName]?: number | undefined }

/** No tokens of any type. */
export const noTokens: TokenCounts = mapCounts(() => 0)

/** Counts made one by one, in the order of `tokenTypes`. */
export function mapCounts<Value>(make: (count: TokenCountName) => Value): {
  readonly [Count in TokenCountName]: Value
} {
  const made: Partial<Record<TokenCountName, Value>> = {}
  for (const { count } of tokenTypes) made[count] = make(count)
  return made as Record<TokenCountName, Value>
}

/** True when nothing at all was used, so that there is nothing to bill. */
export function isZero(tokens: TokenCounts): boolean {
  return tokenTypes.every(({ count }) => !tokens[count])
}

/** All that the model was given to read, cached or not. */
export function allInput(tokens: KnownCounts): number {
  let sum = 0
  for (const { count, side } of tokenTypes) if (side !== 'output') sum += tokens[count] ?? 0
  return sum
}

/** All that the model wrote. */
export function allOutput(tokens: KnownCounts): number {
  let sum = 0
  for (const { count, side } of tokenTypes) if (side === 'output') sum += tokens[count] ?? 0
  return sum
}

/**
 * Counts from a caller's partial object; what is left out is zero.
 * @throws RangeError when a count is not a whole number from 0 to `Number.MAX_SAFE_INTEGER`.
 */
export function tokenCounts(partial: Partial<TokenCounts>): TokenCounts {
  return mapCounts((count) => {
    const value = partial[count] ?? 0
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Expected tokens.${count} to be a whole number from 0 up, got ${value}`)
    }
    return value
  })
}
