import { centParts } from '../amount.ts'
import { erasedOwner } from '../books/erased.ts'
import { plainGrant, repay, activate, due, type Act } from '../books/operations.ts'
import { mirrorName } from '../books/objects.ts'
import type { AccountKey, AccountRow, BookRows, EntryRow } from '../books/rows.ts'
import { invoiceNames } from './apply-invoice.ts'
import type { BilledUsage } from './payment.ts'

/** As many entries at a time. */
const page = 500

/**
 * What a mirrored account used beyond its credit in a period is debt, until the period's invoice is
 * paid: then it is credit again, once, which pays the debt. Stripe has had it by the invoice. Where the
 * customer was erased meanwhile, the erased account and the one that they have by now each have what
 * they used.
 */
export function applyBilled(rows: BookRows, key: AccountKey, billed: BilledUsage, act: Act): void {
  const { invoice: id, subscription } = billed
  const own = rows.account(key)
  const erased = erasedOwner(rows, key, invoiceNames({ id, subscription }))
  for (const account of [own, erased]) {
    if (account?.collect !== 'mirror') continue
    due(rows, account, act)
    applyTo(rows, account, billed, act)
  }
}

function applyTo(
  rows: BookRows,
  account: AccountRow,
  { invoice, from, until, drawn }: BilledUsage,
  act: Act,
): void {
  const idempotencyKey = `billed:${invoice}`
  if (rows.grantByKey(account.id, idempotencyKey) !== undefined) return
  const used = usedIn(rows, account, from, until)
  // Credit that came after its use has paid for it at Stripe, as it has paid the debt here.
  const later = BigInt(drawn) - used.byCredit / centParts
  const amount = used.beyond - (later > 0n ? later * centParts : 0n)
  if (amount <= 0n) return
  const terms = { source: invoice, idempotencyKey } as const
  const grant = rows.addGrant({ ...plainGrant(account.id, amount, act.at), ...terms })
  activate(rows, account, grant, act)
  // It was paid as it was used, and is nothing that Stripe is to draw.
  const row = {
    kind: 'mirror',
    state: { id: 'none' },
    version: 1,
    dueAt: null,
    at: act.at,
  } as const
  rows.objects.save({ ...row, account: account.id, id: mirrorName(grant.id) })
  repay(rows, account, act)
  rows.saveAccount(account)
}

function usedIn(rows: BookRows, account: AccountRow, from: number, until: number) {
  const used = { beyond: 0n, byCredit: 0n }
  let before: number | null = null
  for (;;) {
    const found: readonly EntryRow[] = rows.entries(account.id, page, before)
    for (const { grant, kind, amount, at } of found) {
      const isUse = kind === 'usage' || kind === 'lease' || kind === 'reversal'
      if (!isUse || at < from || at >= until) continue
      if (grant === null) used.beyond -= amount
      else used.byCredit -= amount
    }
    const last = found.at(-1)
    if (last === undefined || found.length < page || last.at < from) return used
    before = last.id
  }
}
