import type { Act } from '../books/operations.ts'
import { openAccount } from '../books/operations.ts'
import { give, revoke, unrevoke } from '../books/grants.ts'
import type { AccountKey, AccountRow, BookRows, GrantRow } from '../books/rows.ts'
import type { Payment, TakenBack } from './payment.ts'

/** What becomes of a grant that was bought, beside its amount. */
export interface GrantTerms {
  /** From then on it counts. In ms since the epoch or as a `Date`. @default now */
  readonly effectiveAt?: number | Date
  /** In ms since the epoch or as a `Date`. @default for ever */
  readonly expiresAt?: number | Date
  /** 0 (drawn first) to 100. @default 50 */
  readonly priority?: number
}

/** What applying a payment did. */
export interface Applied {
  /** Somebody else has applied it since it was read: it is to be read again. */
  readonly isStale: boolean
  /** Parts that were given and taken back just now. */
  readonly granted: bigint
  readonly revoked: bigint
  readonly restored: bigint
  /** Keys that stand for another amount: that one stays. */
  readonly conflicts: readonly string[]
}

const nothing: Applied = { isStale: false, granted: 0n, revoked: 0n, restored: 0n, conflicts: [] }

/** How often a payment was applied; what is read is good while this stays. */
export function paymentVersion(rows: BookRows, key: AccountKey, payment: string): number {
  const account = rows.account(key)
  return account === undefined ? 0 : (rows.objects.get(account.id, payment)?.version ?? 0)
}

/**
 * Brings an account to what a payment is at Stripe: its grants are given, each once, and what was taken
 * back is revoked, or given back where it came to nothing. Done again it changes nothing.
 */
export function applyPayment(
  rows: BookRows,
  key: AccountKey,
  { payment, terms, version }: { payment: Payment; terms: GrantTerms; version: number },
  act: Act,
): Applied {
  const known = rows.account(key)
  const isKnown = known !== undefined && rows.objects.get(known.id, payment.key) !== undefined
  if (!isKnown && (!payment.isPaid || payment.packs.length === 0)) return nothing
  const account = openAccount(rows, key, act)
  if (paymentVersion(rows, key, payment.key) !== version) return { ...nothing, isStale: true }
  const given = payment.isPaid
    ? giveAll(rows, key, payment, terms, act)
    : { granted: 0n, conflicts: [] }
  const grants = rows.grantsOfSource(account.id, payment.key)
  let restored = 0n
  // What came to nothing first: a share that it had is there for the others.
  for (const one of payment.takenBack.filter(({ stands }) => !stands)) {
    restored += undo(rows, account, grants, one, act)
  }
  let revoked = 0n
  for (const one of payment.takenBack.filter(({ stands }) => stands)) {
    revoked += takeShare(rows, account, grants, { ...one, total: payment.total }, act)
  }
  rows.objects.save({
    account: account.id,
    id: payment.key,
    kind: 'payment',
    state: {},
    version: version + 1,
    dueAt: null,
    at: act.at,
  })
  return { isStale: false, ...given, revoked, restored }
}

function giveAll(
  rows: BookRows,
  key: AccountKey,
  payment: Payment,
  terms: GrantTerms,
  act: Act,
): Pick<Applied, 'granted' | 'conflicts'> {
  let granted = 0n
  const conflicts: string[] = []
  for (const { key: idempotencyKey, amount } of payment.packs) {
    const { effectiveAt = act.at, expiresAt, priority = 50 } = terms
    const times = {
      effectiveAt: Number(effectiveAt),
      expiresAt: expiresAt === undefined ? null : Number(expiresAt),
    }
    const of = { kind: 'paid', priority, source: payment.key, idempotencyKey } as const
    const { state } = give(rows, key, { amount, ...of, ...times }, act)
    if (state === 'granted') granted += amount
    else if (state === 'conflict') conflicts.push(idempotencyKey)
  }
  return { granted, conflicts }
}

const revocation = (id: string, grant: GrantRow) => ({
  grant: grant.id,
  key: `${id}:${grant.id}`,
  ref: id,
})

/** A share of all grants of the payment, rounded up: shares that are all of it leave nothing. */
function takeShare(
  rows: BookRows,
  account: AccountRow,
  grants: readonly GrantRow[],
  { id, amount, total }: TakenBack & { readonly total: number },
  act: Act,
): bigint {
  if (total <= 0 || grants.some((grant) => isRevoked(rows, account, id, grant))) return 0n
  const all = grants.reduce((sum, grant) => sum + grant.amount, 0n)
  const share = (all * BigInt(amount) + BigInt(total) - 1n) / BigInt(total)
  let taken = 0n
  for (const { id: grantId } of grants) {
    const grant = rows.grant(grantId)
    const rest = share - taken
    if (rest <= 0n) break
    taken += revoke(rows, account, { ...revocation(id, grant), amount: rest }, act) ?? 0n
  }
  return taken
}

function isRevoked(rows: BookRows, account: AccountRow, id: string, grant: GrantRow): boolean {
  return rows.hasEntry(account.id, `revoke:${revocation(id, grant).key}`)
}

function undo(
  rows: BookRows,
  account: AccountRow,
  grants: readonly GrantRow[],
  { id }: TakenBack,
  act: Act,
): bigint {
  let restored = 0n
  for (const { id: grantId, ...grant } of grants) {
    const one = revocation(id, { id: grantId, ...grant })
    const before = rows.grant(grantId).revoked
    if (unrevoke(rows, account, one, act)) restored += before - rows.grant(grantId).revoked
  }
  return restored
}
