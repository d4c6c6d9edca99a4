import type { TokenEstimate } from '@token-meter/core/wire'

/** Adds what is given as text, as tokens, or as a list of either: a token is a number. */
export function addTextOrTokens(value: unknown, estimate: TokenEstimate): void {
  if (typeof value === 'number') estimate.addTokens(1)
  else if (Array.isArray(value)) for (const item of value) addTextOrTokens(item, estimate)
  else estimate.addStrings(value)
}
