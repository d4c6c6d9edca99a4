import type Stripe from 'stripe'
import { centParts } from '../amount.ts'
import { freeOf } from '../books/drawing.ts'
import { give, revoke } from '../books/grants.ts'
import { erasedOwner } from '../books/erased.ts'
import { type Act, due } from '../books/operations.ts'
import { mirroredId } from '../books/objects.ts'
import type { AccountKey, BookRows } from '../books/rows.ts'
import { grantMetadata, type MirrorRow, readMirrored, saveMirrored } from './mirrored-grant.ts'

/**
 * Somebody changed credit at Stripe itself: what was given there by hand is a grant of a mirrored
 * account too, and what was voided or ended there is revoked. What the books have done themselves is
 * known by its metadata and its row.
 */
export function applyCreditGrant(
  rows: BookRows,
  wanted: AccountKey,
  { id, amount, category, priority, metadata, ...grant }: Stripe.Billing.CreditGrant,
  act: Act,
): void {
  const key = erasedOwner(rows, wanted, { mirrors: [id] }) ?? wanted
  const account = rows.account(key)
  if (account?.collect !== 'mirror') return
  due(rows, account, act)
  const { effective_at: from, expires_at: until, voided_at: voided } = grant
  const isOver = voided !== null || (until !== null && until * 1000 <= act.at)
  const mirrors = rows.objects.of(account.id, 'mirror') as readonly MirrorRow[]
  const row = mirrors.find(({ state }) => state.id === id)
  if (row === undefined) {
    const { currency, value } = amount.monetary ?? { currency: '', value: 0 }
    if (metadata[grantMetadata] !== undefined || currency !== 'usd' || isOver) return
    const terms = {
      amount: BigInt(value) * centParts,
      kind: category === 'paid' ? 'paid' : 'promo',
      priority: priority ?? 50,
      effectiveAt: from === null ? act.at : from * 1000,
      expiresAt: until === null ? null : until * 1000,
      source: id,
      idempotencyKey: id,
    } as const
    const given = give(rows, key, terms, act)
    const mirrored = readMirrored(rows, account, given.grant.id)
    saveMirrored(rows, mirrored, { id, number: 0 }, { dueAt: null, at: act.at })
    return
  }
  const mirrored = readMirrored(rows, account, mirroredId(row.id))
  const { grant: own } = mirrored
  // While something is to be done about it, it is the books that end it.
  if (!isOver || row.dueAt !== null || row.state.isEnding === true || own.state !== 'active') return
  const left = voided === null ? freeOf(own) : own.amount - own.revoked
  if (left > 0n) {
    revoke(rows, account, { grant: own.id, amount: left, key: `${id}:ended`, ref: id }, act)
  }
  const { row: current } = readMirrored(rows, account, own.id)
  const { number = 0, drawn = 0 } = row.state
  saveMirrored(
    rows,
    { ...mirrored, row: current },
    { id: 'none', number, drawn },
    { dueAt: null, at: act.at },
  )
}
