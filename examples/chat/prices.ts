import { modelSlug } from '@token-meter/core'
import { cost, type ModelPrice } from '@token-meter/core/cost'

/**
 * In dollars for a million tokens. Made up for this example: what you charge is yours to choose. Credit
 * is charged by these; who pays as they go is charged by those that stand in Stripe, on the meter.
 */
const examplePrices: Readonly<Record<string, ModelPrice>> = {
  'openai/gpt-5.4': { input: 5, cachedInput: 1, cachedWrite: 5, output: 30 },
  'openai/gpt-5.4-mini': { input: 2, cachedInput: 1, cachedWrite: 2, output: 10 },
}

const anyOtherModel: ModelPrice = { input: 4, cachedInput: 1, cachedWrite: 4, output: 20 }

/** What usage costs a company, for the records and the panel, and for what is held before a call. */
export const priceUsage = cost({
  prices: ({ provider, model }) => examplePrices[modelSlug(provider, model)] ?? anyOtherModel,
})
