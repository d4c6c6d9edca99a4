import type Stripe from 'stripe'
import { blockOverdue, type FailingInvoice, unblockPaid } from '../books/blocks.ts'
import { erasedOwner, type KnownBy } from '../books/erased.ts'
import { type Act, openAccount, schedule } from '../books/operations.ts'
import type { AccountKey, BookRows } from '../books/rows.ts'

/** How an invoice stands at Stripe by now. */
export interface InvoiceStanding {
  readonly id: string
  /** What it is of. */
  readonly subscription: string | undefined
  readonly status: Stripe.Invoice['status']
  /** When its payment failed, where the event says that it did: ms since the epoch. */
  readonly failedAt: number | undefined
  readonly graceMs: number
  readonly version: number
}

/** What an invoice is known by, of whoever has it, or has what it is of. */
export function invoiceNames({
  id,
  subscription,
}: Pick<InvoiceStanding, 'id' | 'subscription'>): KnownBy {
  return { objects: subscription === undefined ? [id] : [id, subscription] }
}

/**
 * Notes that the payment of an invoice fails, from the first time on that it did; once the days of grace
 * are over it blocks the account. An invoice that is paid or void blocks nothing, and no account is
 * opened for one: who pays as they go would be a prepaid customer by it. False where somebody else has
 * applied it since it was read.
 */
export function applyInvoice(
  rows: BookRows,
  wanted: AccountKey,
  standing: InvoiceStanding,
  act: Act,
): boolean {
  const { id, status, failedAt, graceMs, version } = standing
  const key = erasedOwner(rows, wanted, invoiceNames(standing)) ?? wanted
  const isOwed = status === 'open' || status === 'uncollectible'
  const found = rows.account(key)
  if (found === undefined) return true
  const known = rows.objects.get(found.id, id) as FailingInvoice | undefined
  if (known === undefined && !(isOwed && failedAt !== undefined)) return true
  const account = openAccount(rows, key, act)
  if ((known?.version ?? 0) !== version) return false
  const before = known?.state.failingSince ?? null
  const since = failedAt === undefined ? before : Math.min(before ?? Infinity, failedAt)
  const failingSince = isOwed ? since : null
  const isBlocking = isOwed && known?.state.isBlocking === true
  const letGoAt = known?.state.letGoAt ?? null
  // What is told again, or late, changes nothing of what somebody has decided since.
  const isLetGo = letGoAt !== null && (failedAt ?? -Infinity) <= letGoAt
  rows.objects.save({
    account: account.id,
    id,
    kind: 'invoice',
    state: { failingSince, isBlocking, letGoAt: isLetGo ? letGoAt : null },
    version: version + 1,
    dueAt: failingSince === null || isBlocking || isLetGo ? null : failingSince + graceMs,
    at: act.at,
  })
  blockOverdue(rows, account, act.at)
  unblockPaid(rows, account)
  schedule(rows, account)
  rows.saveAccount(account)
  return true
}
