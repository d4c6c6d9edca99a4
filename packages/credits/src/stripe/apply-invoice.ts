import type Stripe from 'stripe'
import { blockOverdue, type FailingInvoice, unblockPaid } from '../books/blocks.ts'
import { erasedOwner } from '../books/erased.ts'
import { type Act, openAccount, schedule } from '../books/operations.ts'
import type { AccountKey, BookRows } from '../books/rows.ts'

/** How an invoice stands at Stripe by now. */
export interface InvoiceStanding {
  readonly id: string
  readonly status: Stripe.Invoice['status']
  /** When its payment failed, where the event says that it did: ms since the epoch. */
  readonly failedAt: number | undefined
  readonly graceMs: number
  readonly version: number
}

/**
 * Notes that the payment of an invoice fails, from the first time on that it did; once the days of grace
 * are over it blocks the account. An invoice that is paid or void blocks nothing. False where somebody
 * else has applied it since it was read.
 */
export function applyInvoice(
  rows: BookRows,
  wanted: AccountKey,
  { id, status, failedAt, graceMs, version }: InvoiceStanding,
  act: Act,
): boolean {
  const key = erasedOwner(rows, wanted, { object: id }) ?? wanted
  const isOwed = status === 'open' || status === 'uncollectible'
  const found = rows.account(key)
  const known = found && (rows.objects.get(found.id, id) as FailingInvoice | undefined)
  if (known === undefined && !(isOwed && failedAt !== undefined)) return true
  const account = openAccount(rows, key, act)
  if ((known?.version ?? 0) !== version) return false
  const before = known?.state.failingSince ?? null
  const since = failedAt === undefined ? before : Math.min(before ?? Infinity, failedAt)
  const failingSince = isOwed ? since : null
  const isBlocking = isOwed && known?.state.isBlocking === true
  rows.objects.save({
    account: account.id,
    id,
    kind: 'invoice',
    state: { failingSince, isBlocking },
    version: version + 1,
    dueAt: failingSince === null || isBlocking ? null : failingSince + graceMs,
    at: act.at,
  })
  blockOverdue(rows, account, act.at)
  unblockPaid(rows, account)
  schedule(rows, account)
  rows.saveAccount(account)
  return true
}
