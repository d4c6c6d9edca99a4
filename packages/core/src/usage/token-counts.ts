/**
 * Tokens of one response on one model, split so that no token is counted twice: `input` excludes
 * cached reads and writes, `output` includes reasoning. Their sum is what the provider bills.
 * Whole numbers, zero or more.
 */
export interface TokenCounts {
  readonly input: number
  readonly cachedInput: number
  readonly cachedWrite: number
  readonly output: number
}

/** The names the four counts have on the wire, in meter events and on meters. */
export type TokenType = 'input' | 'output' | 'cached_input' | 'cached_write'

/** Each count with its wire name, in the order in which they become meter events. */
export const tokenTypes: readonly {
  readonly count: keyof TokenCounts
  readonly type: TokenType
}[] = [
  { count: 'input', type: 'input' },
  { count: 'cachedInput', type: 'cached_input' },
  { count: 'cachedWrite', type: 'cached_write' },
  { count: 'output', type: 'output' },
]

/** No tokens of any type. */
export const noTokens: TokenCounts = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }

/** True when nothing at all was used, so that there is nothing to bill. */
export function isZero(tokens: TokenCounts): boolean {
  return tokens.input + tokens.cachedInput + tokens.cachedWrite + tokens.output === 0
}

/**
 * Counts from a caller's partial object; what is left out is zero.
 * @throws RangeError when a count is not a whole number from 0 to `Number.MAX_SAFE_INTEGER`.
 */
export function tokenCounts(partial: Partial<TokenCounts>): TokenCounts {
  const counts = { ...noTokens }
  for (const { count } of tokenTypes) {
    const value = partial[count] ?? 0
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`Expected tokens.${count} to be a whole number from 0 up, got ${value}`)
    }
    counts[count] = value
  }
  return counts
}
