import type { UsageRecord } from '@token-meter/core/sink'
import type { StripeSinkSettings } from './stripe-sink-settings.ts'
import { tooManyDigits } from './unsendable-error.ts'
import { wholeUnits } from './whole-units.ts'

/** The event name of the meter that counts money, unless it is named otherwise. */
export const costEventName = 'llm-cost'

/** Stripe takes values of no more than 15 digits. */
export const largestValue = 10n ** 15n - 1n

/**
 * What a record costs, as the value of a meter event: whole units, 0 for less than half of one. Or
 * why it has no such value.
 */
export function costValue(
  record: UsageRecord,
  { cost: which, costUnit }: Pick<StripeSinkSettings, 'cost' | 'costUnit'>,
): number | { readonly code: string; readonly problem: string } {
  const { provider, model, cost } = record
  if (!cost) {
    const problem = `it has no cost: there was no price of ${provider} "${model}" for it. Add its price to cost({ prices }) of createMeter({ cost }), then outbox.requeue it`
    return { code: 'no_cost', problem }
  }
  const amount = cost[which]
  const units = wholeUnits(amount, costUnit)
  if (units === undefined) {
    return {
      code: 'no_cost',
      problem: `its cost.${which} is ${String(amount)}, and has to be decimal text of USD, such as '0.0012'`,
    }
  }
  if (units > largestValue) {
    const problem = `its cost of ${amount} USD is more than fits into the 15 digits that Stripe takes. Bill it by another way, such as an invoice item, and outbox.discard it`
    return { code: tooManyDigits, problem }
  }
  return Number(units)
}
