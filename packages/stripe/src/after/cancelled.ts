import type { LedgerEntry } from '@token-meter/core/adapter'

const mark = 'cancelled at Stripe'

/** The reason that the ledger has for a record that was taken off the bill. */
export function cancelledBecause(why: string | undefined): string {
  return why === undefined ? mark : `${mark}: ${why}`
}

/** Whether a record was taken off the bill, so that Stripe has nothing of it. */
export function isCancelled({ state, reason = '' }: LedgerEntry): boolean {
  return state === 'discarded' && reason.startsWith(mark)
}
