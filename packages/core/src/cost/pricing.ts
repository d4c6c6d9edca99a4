import { CostError } from '../errors/errors.ts'
import { isFunction, type OptionCheck } from '../errors/option-check.ts'
import { handleRejection } from '../lib/promises.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { CostCalculator } from './price-source.ts'
import { noCost } from '../usage/usage-cost.ts'

/** How long a model without a price is not reported again, in ms. */
const throttleMs = 60 * 60_000
const maxReported = 1000

/**
 * Gives a record its cost, where it has none and one is known. Not before it has a customer, whose
 * price and markup may be their own. Never throws.
 */
export type PriceRecord = (record: UsageRecord) => UsageRecord

/** @throws ConfigError for what is no calculator. */
export function checkCost(check: OptionCheck, calculate: unknown = isFunction): void {
  const wanted = 'made by cost(), such as cost({ prices: genaiPrices() })'
  check('cost', calculate, wanted, isFunction)
}

/** Prices by a calculator of the application that can do no harm: what fails is reported. */
export function pricing(
  calculate: CostCalculator,
  onError: (error: CostError) => void,
): PriceRecord {
  const reported = new Map<string, number>()
  const report = ({ provider, model }: UsageRecord, reason: string, cause?: unknown) => {
    const key = `${provider} ${model} ${reason}`
    const now = performance.now()
    if (now - (reported.get(key) ?? -Infinity) < throttleMs) return
    if (reported.size >= maxReported) reported.clear()
    reported.set(key, now)
    onError(
      new CostError(
        `usage of ${provider} "${model}" has no cost: ${reason}. Add its price to cost({ prices }).`,
        { cause },
      ),
    )
  }
  return (record) => {
    if (record.cost !== undefined) return record
    if (record.unbilled !== undefined) return { ...record, cost: noCost }
    if (record.customer === null) return record
    try {
      const cost = calculate(record)
      if (handleRejection(cost)) report(record, 'its price function answered a promise')
      else if ('unpriced' in cost) report(record, cost.unpriced)
      else return { ...record, cost }
    } catch (cause) {
      report(record, 'its price function failed', cause)
    }
    return record
  }
}
