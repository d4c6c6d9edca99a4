import { ConfigError } from '../errors/errors.ts'
import { handleRejection } from '../lib/promises.ts'
import { modelSlug } from '../usage/model-slug.ts'
import { checkPrice } from './check-price.ts'
import type { PriceFunction, PriceTable, Unpriced } from './price-source.ts'

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

function toFunction(source: PriceTable | PriceFunction): PriceFunction {
  if (typeof source === 'function') return source
  if (typeof source !== 'object' || source === null) {
    throw new ConfigError(
      'cost: prices must be a price table, such as { "openai/gpt-5.4": { input: "2.5", output: 15 } }, ' +
        'a function of a record, such as genaiPrices(), or a list of them',
    )
  }
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
