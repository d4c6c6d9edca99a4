import type { TokenType } from '@token-meter/core'

/** Whole dollars for a million tokens. */
export type Price = Readonly<Record<TokenType, number>>

const anyOther = 'any other model'

/**
 * Made up for this demo: what you charge is yours to choose. In production they stand in Stripe, as
 * the prices of the meter, and Stripe multiplies.
 */
export const examplePrices: Readonly<Record<string, Price>> = {
  'openai/gpt-5.4': { input: 5, cached_input: 1, cached_write: 5, output: 30 },
  'openai/gpt-5.4-mini': { input: 2, cached_input: 1, cached_write: 2, output: 10 },
  [anyOther]: { input: 4, cached_input: 1, cached_write: 4, output: 20 },
}

export function priceOf(model: string): Price {
  return examplePrices[pricedAs(model)] as Price
}

/** The row of the price table that a model is in. */
export function pricedAs(model: string): string {
  return model in examplePrices ? model : anyOther
}
