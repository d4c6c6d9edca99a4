import type { UsageCost } from '../usage/usage-cost.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { type ModelPrice, type Usd, checkPrice } from './model-price.ts'
import { optionCheck } from '../errors/option-check.ts'
import { isPlain } from '../lib/json.ts'
import { handleRejection } from '../lib/promises.ts'
import { modelSlug } from '../usage/model-slug.ts'

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

/**
 * One function of several price lists and functions: the first that knows a record decides.
 * @throws ConfigError for what is neither, and for a price that is none.
 */
export function priceLookup(
  prices: PriceTable | PriceFunction | readonly (PriceTable | PriceFunction)[] = [],
): PriceFunction {
  const sources = (Array.isArray(prices) ? prices : [prices]).map(toFunction)
  return (record) => {
    let reason: Unpriced | undefined
    for (const source of sources) {
      const price = source(record)
      if (price === undefined || price === null) continue
      if (handleRejection(price)) throw new TypeError(useNoPromise)
      if (typeof price !== 'object' || !('unpriced' in price)) return price
      reason ??= price
    }
    return reason
  }
}

const useNoPromise =
  'it answered a promise, which cannot be waited for: have the prices at hand before the call'

const sourceWanted =
  'a price table, such as { "openai/gpt-5.4": { input: "2.5", output: 15 } }, a function of a record, ' +
  'such as genaiPrices(), or a list of them'

function toFunction(source: PriceTable | PriceFunction): PriceFunction {
  if (typeof source === 'function') return source
  optionCheck('cost')('prices', source, sourceWanted, isPlain)
  for (const [model, price] of Object.entries(source)) checkPrice(model, price)
  // A copy: what was checked is what counts.
  const table = new Map(Object.entries(structuredClone(source)))
  return ({ provider, model }) => {
    const slug = modelSlug(provider, model)
    const found = table.get(slug)
    if (found !== undefined) return { pricedAs: slug, ...found }
    return table.has(model) ? { pricedAs: model, ...table.get(model) } : undefined
  }
}
