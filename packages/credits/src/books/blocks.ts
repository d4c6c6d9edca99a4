import type { ObjectRow } from './objects.ts'
import type { AccountRow, BookRows } from './rows.ts'

/** Why an account whose payment has failed for too long is blocked. */
export const paymentFailed = 'payment_failed'

/** An invoice whose payment fails: it blocks once `dueAt` is there, and until it is paid or void. */
export interface FailingInvoice extends ObjectRow {
  state: {
    /** Since when, in ms since the epoch; `null` where it is paid or void by now. */
    readonly failingSince: number | null
    readonly isBlocking: boolean
    /** When somebody let the account go on in spite of it, in ms since the epoch. */
    readonly letGoAt: number | null
  }
}

/** Blocks an account whose days of grace are over. */
export function blockOverdue(rows: BookRows, account: AccountRow, at: number): void {
  for (const invoice of rows.objects.of(account.id, 'invoice') as readonly FailingInvoice[]) {
    if (invoice.dueAt === null || invoice.dueAt > at) continue
    rows.objects.save({ ...invoice, dueAt: null, state: { ...invoice.state, isBlocking: true } })
    account.blocked ??= paymentFailed
    rows.saveAccount(account)
  }
}

/**
 * Lets an account go on by hand. An invoice that blocks it does so no more, until its payment fails once
 * more after that.
 */
export function letGo(rows: BookRows, account: AccountRow, at: number): void {
  for (const invoice of rows.objects.of(account.id, 'invoice') as readonly FailingInvoice[]) {
    if (!invoice.state.isBlocking) continue
    rows.objects.save({ ...invoice, state: { ...invoice.state, isBlocking: false, letGoAt: at } })
  }
  account.blocked = null
}

/** Lets an account go on that was blocked for payments, where none blocks any more. */
export function unblockPaid(rows: BookRows, account: AccountRow): void {
  if (account.blocked !== paymentFailed) return
  const invoices = rows.objects.of(account.id, 'invoice') as readonly FailingInvoice[]
  if (invoices.some(({ state }) => state.isBlocking)) return
  account.blocked = null
  rows.saveAccount(account)
}
