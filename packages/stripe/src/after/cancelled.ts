import type { LedgerEntry } from '@token-meter/core/adapter'

/** The code that the ledger has for a record that was taken off the bill. */
export const cancelled = { code: 'cancelled' } as const

/** The reason beside it, for people. */
export function cancelledBecause(why: string | undefined): string {
  return why === undefined ? 'cancelled at Stripe' : `cancelled at Stripe: ${why}`
}

/** Whether a record was taken off the bill, so that Stripe has nothing of it. */
export function isCancelled({ state, code }: LedgerEntry): boolean {
  return state === 'discarded' && code === cancelled.code
}
