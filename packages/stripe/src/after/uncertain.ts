import type { LedgerEntry } from '@token-meter/core/adapter'
import { uncertainMark } from '../duplicate-window.ts'

/** Whether a record is a dead letter because nobody knows if Stripe has it, or all of it. */
export function isUncertain({ state, reason = '' }: LedgerEntry): boolean {
  return state === 'dead' && reason.includes(uncertainMark)
}
