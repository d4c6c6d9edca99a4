import { isUncertainRefusal } from '@token-meter/core/sink'
import type { LedgerEntry } from '@token-meter/core/adapter'

/** Whether a record is a dead letter because nobody knows if Stripe has it, or all of it. */
export function isUncertain(entry: LedgerEntry): boolean {
  return entry.state === 'dead' && isUncertainRefusal(entry)
}
