import type { UsageCost } from '../usage/usage-cost.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { ModelPrice, Usd } from './model-price.ts'

/** Why usage has no cost, and what to do about it. */
export interface Unpriced {
  readonly unpriced: string
}

/**
 * Prices by a function of your own: the price of the record's model, or what the record costs in
 * USD, or `undefined` where it knows neither.
 */
export type PriceFunction = (record: UsageRecord) => ModelPrice | Usd | Unpriced | undefined

/**
 * A price list of your own: prices by slug (`openai/gpt-5.4`, see `modelSlug`) or by the provider's
 * own name of the model (`gpt-5.4-2026-03-05`). Only whole names match.
 */
export type PriceTable = Readonly<Record<string, ModelPrice>>

/** Prices records, for `createMeter({ cost })`. `cost()` makes one. */
export type CostCalculator = (record: UsageRecord) => UsageCost | Unpriced
