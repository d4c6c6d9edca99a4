import { checkKeys, isOneOf, optionCheck } from '../errors/option-check.ts'
import { noCost, type UsageCost } from '../usage/usage-cost.ts'
import { amountOfRecord } from './amount-of-record.ts'
import { type Decimal, decimal, toText } from '../usage/decimal.ts'
import { type Markups, type Percent, markupOf } from './markup.ts'
import type { ModelPrice } from './model-price.ts'
import {
  type CostCalculator,
  type PriceFunction,
  type PriceTable,
  priceLookup,
} from './price-source.ts'
import { jsonObject } from '../lib/json.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

export interface CostOptions {
  /**
   * What providers charge: a price list of your own, `genaiPrices()` of
   * `@token-meter/core/genai-prices`, a function of a record, or several of them, of which the first
   * that knows a record decides. @default none: only costs that providers report
   */
  readonly prices?: PriceTable | PriceFunction | readonly (PriceTable | PriceFunction)[] | undefined
  /**
   * What is added to the provider's cost for the customer, in percent: for all, or by provider,
   * model and customer. @default 0
   */
  readonly markup?: Percent | Markups | undefined
  /**
   * Whether a cost that the provider's answer states (OpenRouter, xAI, Vercel AI Gateway) stands in
   * place of one by `prices`. @default true
   */
  readonly reported?: boolean | undefined
}

/**
 * Prices usage, for `createMeter({ cost })`: what the provider charges for a record and what the
 * customer is billed, in exact decimals of USD. Usage of which any part has no price gets no cost,
 * and `onError` a CostError that says which price is missing; no price is guessed, and none taken
 * from a model with a similar name.
 *
 *     createMeter({ cost: cost({ prices: genaiPrices(), markup: 20 }), ... })
 * @throws ConfigError when an option is wrong.
 */
export function cost(options: CostOptions = {}): CostCalculator {
  checkKeys<CostOptions>('cost', options, { prices: true, markup: true, reported: true })
  const lookup = priceLookup(options.prices)
  const markup = markupOf(options.markup)
  const takesReported = options.reported ?? true
  optionCheck('cost')('reported', takesReported, 'true or false', isOneOf(true, false))

  return (record) => {
    if (record.unbilled !== undefined) return noCost
    const reported = takesReported ? reportedCost(record) : undefined
    if (reported !== undefined) return toCost('reported', reported, markup(record))
    const price = lookup(record)
    if (price === undefined) return { unpriced: 'no price list knows it' }
    if (typeof price !== 'object') {
      const amount = decimal(price)
      if (amount === undefined) return { unpriced: `prices answered ${String(price)} for it` }
      return toCost('prices', amount, markup(record))
    }
    if ('unpriced' in price) return price
    const amount = amountOfRecord(record, price)
    if ('unpriced' in amount) return amount
    const cost = toCost('prices', amount.amount, markup(record), price)
    return amount.tierUnknown ? { ...cost, tierUnknown: true } : cost
  }
}

/** What the provider itself says that the record cost, 0 if it says that, or nothing. */
function reportedCost({ details, raw }: UsageRecord): Decimal | undefined {
  const reported = decimal(details.providerCostUsd)
  if (reported === undefined) return undefined
  // A gateway's cost of a call with the application's own key is its fee; the model's provider
  // charges the rest: https://openrouter.ai/docs/guides/overview/auth/byok
  if (details.byok !== true && jsonObject(raw).is_byok !== true) return reported
  const upstream = decimal(details.upstreamCostUsd)
  return upstream === undefined ? undefined : reported.plus(upstream)
}

function toCost(
  source: UsageCost['source'],
  provider: Decimal,
  factor: Decimal,
  { pricedAs }: ModelPrice = {},
): UsageCost {
  const text = toText(provider)
  return {
    currency: 'USD',
    provider: text,
    billed: factor.eq(1) ? text : toText(provider.times(factor)),
    source,
    ...(pricedAs !== undefined && { pricedAs }),
  }
}
