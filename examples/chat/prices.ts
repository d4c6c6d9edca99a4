import type { TokenType } from '@token-meter/core'

/** Whole dollars for a million tokens. */
type Price = Readonly<Record<TokenType, number>>

/**
 * Made up for this example: what you charge is yours to choose. In production the prices stand in
 * Stripe, on the meter, and Stripe multiplies.
 */
const examplePrices: Readonly<Record<string, Price>> = {
  'openai/gpt-5.4': { input: 5, cached_input: 1, cached_write: 5, output: 30 },
  'openai/gpt-5.4-mini': { input: 2, cached_input: 1, cached_write: 2, output: 10 },
}

const anyOtherModel: Price = { input: 4, cached_input: 1, cached_write: 4, output: 20 }

/** What tokens cost the tenant, in millionths of a dollar. */
export function microdollarsFor(model: string, type: TokenType, tokens: number): number {
  return tokens * (examplePrices[model] ?? anyOtherModel)[type]
}
