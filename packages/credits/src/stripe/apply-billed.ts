import { centParts } from '../amount.ts'
import { plainGrant, repay, activate, type Act } from '../books/operations.ts'
import { mirrorName } from '../books/objects.ts'
import type { AccountRow, BookRows, EntryRow } from '../books/rows.ts'
import type { BilledUsage } from './payment.ts'

/** As many entries at a time. */
const page = 500

/**
 * What a mirrored account used beyond its credit in a period is debt, until the period's invoice is
 * paid: then it is credit again, once, which pays the debt. Stripe has had it by the invoice.
 * Returns what that is.
 */
export function applyBilled(
  rows: BookRows,
  account: AccountRow,
  { invoice, from, until, drawn }: BilledUsage,
  act: Act,
): bigint {
  const idempotencyKey = `billed:${invoice}`
  if (account.collect !== 'mirror') return 0n
  if (rows.grantByKey(account.id, idempotencyKey) !== undefined) return 0n
  const used = usedIn(rows, account, from, until)
  // Credit that came after its use has paid for it at Stripe, as it has paid the debt here.
  const later = BigInt(drawn) - used.byCredit / centParts
  const amount = used.beyond - (later > 0n ? later * centParts : 0n)
  if (amount <= 0n) return 0n
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
  return amount
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
