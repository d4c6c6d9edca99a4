import type { CostCalculator, Unpriced } from '@token-meter/core/cost'
import { messageOf, type UsageRecord } from '@token-meter/core/outbox'
import { parseAmount, type Rounding } from './amount.ts'

/**
 * What a calculator of the application says that a record is billed, in parts of a dollar. What it throws, and
 * what is no amount from 0 up, is a price that nobody knows: it concerns this record alone. Never throws.
 */
export function billedOf(
  record: UsageRecord,
  calculate: CostCalculator | undefined,
  rounding: Rounding,
): bigint | Unpriced {
  try {
    const cost = record.cost ?? calculate?.(record)
    if (cost === undefined) return { unpriced: 'nobody calculates its cost' }
    if ('then' in cost) {
      void Promise.resolve(cost).catch(() => undefined)
      return { unpriced: 'its cost is a promise, which cannot be waited for' }
    }
    if ('unpriced' in cost) return cost
    const billed = parseAmount(cost.billed, 'usd', rounding)
    return billed < 0n ? { unpriced: `it is billed ${cost.billed}, less than nothing` } : billed
  } catch (cause) {
    return { unpriced: messageOf(cause) }
  }
}
