/** Credit that is given and taken back by people and payments; each once, by its business key. */
import { centParts, formatAmount, maxParts } from '../amount.ts'
import { postedOf } from './balance.ts'
import { mirrorName } from './objects.ts'
import { freeOf, smaller } from './drawing.ts'
import { erasedGrant } from './erased.ts'
import {
  type Act,
  activate,
  due,
  openAccount,
  plainGrant,
  repay,
  schedule,
  take,
  takeBack,
} from './operations.ts'
import type { AccountKey, AccountRow, BookRows, GrantRow } from './rows.ts'

/** What is given. */
export interface NewGrant extends Pick<
  GrantRow,
  'amount' | 'kind' | 'priority' | 'effectiveAt' | 'expiresAt' | 'source' | 'idempotencyKey'
> {}

/** What came of giving: a grant that is new, that was there, or another one under the same key. */
export interface Granted {
  readonly state: 'granted' | 'known' | 'conflict'
  readonly grant: GrantRow
}

/**
 * Gives credit, once for an idempotency key: what was paid for also where its customer was erased since.
 * @throws RangeError where it is more than fits, or a backend that is to have it too cannot have so
 * fine an amount.
 */
export function give(rows: BookRows, key: AccountKey, wanted: NewGrant, act: Act): Granted {
  const erased = wanted.kind === 'paid' ? erasedGrant(rows, key, wanted.idempotencyKey) : undefined
  if (erased !== undefined) return alreadyGiven(erased, wanted)
  const account = openAccount(rows, key, act)
  checkMirrored(account, wanted.amount)
  return giveAny(rows, account, wanted, act)
}

/** @throws RangeError for what Stripe has no credit grant of: it counts in whole cents. */
export function checkMirrored({ collect, unit }: AccountRow, amount: bigint): void {
  if (collect !== 'mirror' || unit !== 'usd' || amount % centParts === 0n) return
  throw new RangeError(
    `a grant of an account that is mirrored to Stripe is in whole cents, got ${formatAmount(amount, unit)} usd: round it`,
  )
}

function giveAny(rows: BookRows, account: AccountRow, wanted: NewGrant, act: Act): Granted {
  const known = rows.grantByKey(account.id, wanted.idempotencyKey)
  if (known !== undefined) return alreadyGiven(known, wanted)
  checkRoom(rows, account, wanted.amount)
  const { amount, kind, priority, effectiveAt, expiresAt, source, idempotencyKey } = wanted
  const terms = { kind, priority, effectiveAt, expiresAt, source, idempotencyKey }
  const grant = rows.addGrant({ ...plainGrant(account.id, amount, act.at), ...terms })
  if (grant.effectiveAt <= act.at) activate(rows, account, grant, act)
  schedule(rows, account)
  // One that has expired by now was late: it is given and is over.
  due(rows, account, act)
  repay(rows, account, act)
  return { state: 'granted', grant: rows.grant(grant.id) }
}

function alreadyGiven(known: GrantRow, { amount, kind }: NewGrant): Granted {
  const isSame = known.amount === amount && known.kind === kind
  return { state: isSame ? 'known' : 'conflict', grant: known }
}

/** @throws RangeError, before anything is written. */
function checkRoom(rows: BookRows, account: AccountRow, amount: bigint): void {
  const coming = rows.grants(account.id, 'scheduled').map((grant) => grant.amount)
  const most = coming.reduce((sum, part) => sum + part, postedOf(rows, account) + amount)
  if (most <= maxParts) return
  throw new RangeError('the balance of the account would be more than an account can hold')
}

/** What is taken back of one grant. */
export interface Revocation {
  readonly grant: number
  /** All that was not revoked before, where it is left out; more than that is no more. */
  readonly amount?: bigint | undefined
  /** A refund, a dispute: taken back once. */
  readonly key: string
  readonly ref: string | null
}

/**
 * Takes credit back: of what the grant has free first, then of what else the account has free; what
 * is spent is debt. What is held stays so until its call ends.
 * @returns what was taken, or `undefined` where this key was there before.
 */
export function revoke(
  rows: BookRows,
  account: AccountRow,
  { grant: id, amount, key, ref }: Revocation,
  act: Act,
): bigint | undefined {
  due(rows, account, act)
  const own = `revoke:${key}`
  if (rows.hasEntry(account.id, own)) return undefined
  const grant = rows.grant(id)
  const most = grant.amount - grant.revoked
  const wanted = amount === undefined ? most : smaller(amount, most)
  if (wanted <= 0n) return 0n
  grant.revoked += wanted
  changeMirror(rows, grant, act)
  if (grant.state === 'scheduled') {
    revokeScheduled(rows, account, grant, { own, ref, wanted }, act)
    return wanted
  }
  const origin = { kind: 'revoke', ref, ...act } as const
  const free = smaller(grant.state === 'active' ? freeOf(grant) : 0n, wanted)
  // What expired was never used: that it did is undone for it, so that it counts for no later one.
  const expired = wanted > free ? smaller(expiredOf(rows, grant), wanted - free) : 0n
  grant.remaining -= free
  rows.saveGrant(grant)
  // Written also when it is nothing: it says that this was done.
  rows.addEntry(account, { ...origin, grant: id, amount: -free - expired, key: own })
  if (expired > 0n) {
    const undone = { ...origin, kind: 'expiry', grant: id } as const
    rows.addEntry(account, { ...undone, amount: expired, key: `${own}:expired` })
  }
  const spent = wanted - free - expired
  if (spent > 0n) {
    const rest = { kind: 'revoke', ref, key: `${own}:1` } as const
    take(rows, account, spent, [], rest, act)
  }
  repay(rows, account, act)
  return wanted
}

/** A backend that has the grant too is to have less of it, or more. */
function changeMirror(rows: BookRows, { account, id }: GrantRow, { at }: Act): void {
  const mirror = rows.objects.get(account, mirrorName(id))
  if (mirror === undefined) return
  rows.objects.save({ ...mirror, version: mirror.version + 1, dueAt: at })
}

/**
 * It has no entry yet: it becomes effective without what is revoked, or never. Two entries of no
 * grant, which add up to nothing, say that this was done.
 */
function revokeScheduled(
  rows: BookRows,
  account: AccountRow,
  grant: GrantRow,
  { own, ref, wanted }: { own: string; ref: string | null; wanted: bigint },
  act: Act,
): void {
  if (grant.revoked === grant.amount) grant.state = 'voided'
  rows.saveGrant(grant)
  const entry = { grant: null, kind: 'revoke', ref, ...act } as const
  rows.addEntry(account, { ...entry, amount: -wanted, key: own })
  rows.addEntry(account, { ...entry, amount: wanted, key: `${own}:1` })
  schedule(rows, account)
}

function expiredOf(rows: BookRows, grant: GrantRow): bigint {
  return -rows
    .entriesOfGrant(grant)
    .filter(({ kind }) => kind === 'expiry')
    .reduce((sum, { amount }) => sum + amount, 0n)
}

/** Gives back what a revocation took: a dispute was won. False where there was none, or it was done. */
export function unrevoke(
  rows: BookRows,
  account: AccountRow,
  { grant: id, key, ref }: Omit<Revocation, 'amount'>,
  act: Act,
): boolean {
  due(rows, account, act)
  const own = `revoke:${key}`
  const [first, second] = rows.entriesOf(account.id, own)
  if (first === undefined || rows.hasEntry(account.id, `reversal:${own}`)) return false
  const grant = rows.grant(id)
  if (first.grant === null && second?.amount === -first.amount) {
    const { kind, priority, effectiveAt, expiresAt } = grant
    const terms = { kind, priority, effectiveAt, expiresAt, source: ref }
    const again = { ...terms, amount: second.amount, idempotencyKey: `un${own}` }
    return giveAny(rows, account, again, act).state === 'granted'
  }
  const back = takeBack(rows, account, own, { ref }, act)
  const current = rows.grant(id)
  current.revoked -= back
  changeMirror(rows, current, act)
  rows.saveGrant(current)
  repay(rows, account, act)
  return true
}

/**
 * Puts an account right by hand: above 0 it is credit of its own, below 0 it is taken from what is free,
 * then debt. False where the key was there before.
 */
export function adjust(
  rows: BookRows,
  key: AccountKey,
  { amount, idempotencyKey, ref }: { amount: bigint; idempotencyKey: string; ref: string | null },
  act: Act,
): boolean {
  if (amount > 0n) {
    const grant = { ...plainGrant(0, amount, act.at), source: ref, idempotencyKey }
    return give(rows, key, grant, act).state === 'granted'
  }
  const account = openAccount(rows, key, act)
  const own = `adjust:${idempotencyKey}`
  if (amount === 0n || rows.hasEntry(account.id, own)) return false
  take(rows, account, -amount, [], { kind: 'adjust', key: own, ref }, act)
  repay(rows, account, act)
  return true
}
