/** Credit that is set aside before a call, and what its records cost. */
import { jobHoldId } from '@token-meter/core'
import { availableOf } from './balance.ts'
import { type Charge, poolsOf, takeCharges } from './charges.ts'
import { freeParts } from './drawing.ts'
import { leaseKey } from './lease-key.ts'
import {
  type Act,
  due,
  findAccount,
  giveBack,
  repay,
  reversalKey,
  take,
  takeBack,
} from './operations.ts'
import type { Held, Refused, WantedHold } from './held.ts'
import { exceededPool, holdInPools, leftOf, type PoolLimit, spendInPools } from './pools.ts'
import type { AccountKey, AccountRow, Allocation, BookRows, EntryRow, HoldRow } from './rows.ts'

/** Sets aside what a call may cost. The same name again has the same answer. */
export function hold(
  rows: BookRows,
  key: AccountKey,
  wanted: WantedHold,
  limits: readonly PoolLimit[],
  act: Act,
): Held {
  const account = findAccount(rows, key, act)
  if (wanted.isNamed === true) {
    const known = rows.hold(wanted.id)
    const before = known ?? rows.endedHold(wanted.id)
    if (before !== undefined) {
      const isSame = before.account === account?.id && before.amount === wanted.amount
      if (!isSame) return { state: 'conflict' }
      return known === undefined ? { state: 'ended' } : { state: 'held', hold: known }
    }
  }
  if (account === undefined) return { state: 'insufficient', available: 0n }
  const refused = refusalOf(rows, account, wanted.amount, limits, act)
  return refused ?? place(rows, account, wanted, limits, act)
}

/**
 * What stands in the way of setting an amount aside. Where there is too little, holds of the account
 * whose lease is over are ended first; nothing else is changed by asking. A mirrored account may go
 * beyond its credit: a backend bills what it uses there.
 */
export function refusalOf(
  rows: BookRows,
  account: AccountRow,
  amount: bigint,
  limits: readonly PoolLimit[],
  act: Act,
): Refused | undefined {
  let available = availableOf(rows, account)
  if (account.blocked !== null) return { state: 'blocked', available, why: account.blocked }
  if (available < amount) {
    const ended = rows.endedLeases(act.at, mostEnded, account.id)
    for (const one of ended) expire(rows, one, account, act)
    if (ended.length > 0) available = availableOf(rows, account)
    if (available < amount && account.collect !== 'mirror') {
      const ids = rows.grants(account.id, 'active').map(({ id }) => id)
      return { state: 'insufficient', available, newestGrant: Math.max(0, ...ids) }
    }
  }
  const exceeded = exceededPool(rows, limits, amount)
  if (exceeded === undefined) return undefined
  return {
    state: 'insufficient',
    available: leftOf(exceeded),
    pool: exceeded.pool,
    exceeded: { ...exceeded },
  }
}

/** How many holds are ended at most by one that there is too little left for. */
const mostEnded = 1000

/** Sets aside what nothing stands in the way of: of a mirrored account as much of it as is free. */
export function place(
  rows: BookRows,
  account: AccountRow,
  { id, amount, floor, leaseUntil, isNamed = false }: WantedHold,
  limits: readonly PoolLimit[],
  act: Act,
): Held {
  const made: HoldRow = {
    id,
    amount,
    floor,
    leaseUntil,
    isNamed,
    account: account.id,
    allocation: allocate(rows, account, amount),
    pools: holdInPools(rows, limits, amount),
    job: null,
    createdAt: act.at,
  }
  rows.addHold(made)
  return { state: 'held', hold: made }
}

function allocate(rows: BookRows, account: AccountRow, amount: bigint): readonly Allocation[] {
  return freeParts(rows, account, amount).map(({ grant, part }): Allocation => {
    grant.held += part
    rows.saveGrant(grant)
    return [grant.id, part]
  })
}

/**
 * Sets more aside under a hold, which nothing stands in the way of. False for one that is not open:
 * asking what stands in the way may have ended it.
 */
export function raise(rows: BookRows, held: HoldRow, by: bigint): boolean {
  if (rows.hold(held.id) === undefined) return false
  const parts = new Map(held.allocation)
  for (const [grant, part] of allocate(rows, rows.accountById(held.account), by)) {
    parts.set(grant, (parts.get(grant) ?? 0n) + part)
  }
  spendInPools(rows, held.pools, { ended: -by, spent: 0n })
  held.allocation = [...parts]
  held.amount += by
  rows.saveHold(held)
  return true
}

/**
 * An account is mirrored no more: what is held stays within its credit. What calls under way come to
 * beyond that is debt, as of any other.
 */
export function holdWithinCredit(rows: BookRows, account: AccountRow): void {
  const untilAll = Number.MAX_SAFE_INTEGER
  for (const held of rows.endedLeases(untilAll, untilAll, account.id)) {
    const has = held.allocation.reduce((sum, [, part]) => sum + part, 0n)
    if (has === held.amount) continue
    spendInPools(rows, held.pools, { ended: held.amount - has, spent: 0n })
    held.amount = has
    rows.saveHold(held)
  }
}

/**
 * Calls that are under way: their holds stand until then at least. Returns the ids of those that are
 * open still.
 */
export function renew(
  rows: BookRows,
  ids: readonly string[],
  leaseUntil: number,
): readonly string[] {
  return rows.renewHolds(ids, leaseUntil)
}

/** A call has created work that goes on: its hold stands until that is over, and is found by its name. */
export function keepForJob(rows: BookRows, id: string, job: string, leaseUntil: number): void {
  const held = rows.hold(id)
  if (held === undefined) return
  held.job = job
  held.leaseUntil = Math.max(held.leaseUntil, leaseUntil)
  rows.saveHold(held)
}

const jobPrefix = jobHoldId('')

/** The name of the job that an id stands for. */
export function jobOf(id: string): string | undefined {
  return id.startsWith(jobPrefix) ? id.slice(jobPrefix.length) : undefined
}

/** A hold that records can end. */
export type NamedHold = Pick<HoldRow, 'id' | 'account' | 'amount'>

/**
 * Those that an id stands for: open ones, and ones whose lease has ended and which no record has ended
 * yet, of which what the lease was charged is held.
 */
export function holdsNamed(rows: BookRows, id: string): readonly NamedHold[] {
  const job = jobOf(id)
  if (job === undefined) {
    const held = rows.hold(id)
    if (held !== undefined) return [held]
    const lease = rows.leases.of(id)
    return lease === undefined ? [] : leftOfLease(rows, lease)
  }
  const leases = rows.leases.ofJob(job).flatMap((lease) => leftOfLease(rows, lease))
  return [...rows.holdsOfJob(job), ...leases].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function leftOfLease(rows: BookRows, { account, key, hold }: EntryRow): readonly NamedHold[] {
  if (hold === null || rows.hasEntry(account, reversalKey(key))) return []
  const charged = rows.entriesOf(account, key).reduce((sum, { amount }) => sum - amount, 0n)
  return [{ id: hold, account, amount: charged }]
}

/**
 * Ends a hold with what its call used. False for one that has ended: where that was by its lease, what it
 * was charged for that is taken back, and this is charged in its place.
 */
export function settle(rows: BookRows, id: string, charges: readonly Charge[], act: Act): boolean {
  const held = rows.hold(id)
  if (held === undefined) {
    settleLate(rows, id, charges, act)
    return false
  }
  const account = rows.accountById(held.account)
  due(rows, account, act)
  const { left, spent } = takeCharges(rows, account, charges, held, act)
  spendInPools(rows, held.pools, { ended: held.amount, spent })
  giveBack(rows, account, left, held.id, act)
  rows.endHold(held)
  repay(rows, account, act)
  return true
}

/** Once, as of any hold: what is told of it later is no matter of the hold any more. */
function settleLate(rows: BookRows, id: string, charges: readonly Charge[], act: Act): void {
  const lease = rows.leases.of(id)
  if (lease === undefined || rows.hasEntry(lease.account, reversalKey(lease.key))) return
  const account = rows.accountById(lease.account)
  due(rows, account, act)
  const back = takeBack(rows, account, lease.key, { hold: id }, act)
  const pools = lease.pools ?? []
  const { spent } = takeCharges(rows, account, charges, { id, pools, allocation: [] }, act)
  spendInPools(rows, pools, { ended: 0n, spent: spent - back })
  repay(rows, account, act)
}

/** Ends a hold whose call was never sent. False where it had ended. */
export function release(rows: BookRows, id: string, act: Act): boolean {
  const held = rows.hold(id)
  if (held === undefined) return false
  const account = rows.accountById(held.account)
  due(rows, account, act)
  giveBack(rows, account, held.allocation, held.id, act)
  spendInPools(rows, held.pools, { ended: held.amount, spent: 0n })
  rows.endHold(held)
  repay(rows, account, act)
  return true
}

/** Ends holds that nobody ended: each is charged its floor. Returns how many. */
export function sweep(rows: BookRows, act: Act, limit: number): number {
  const ended = rows.endedLeases(act.at, limit)
  for (const held of ended) expire(rows, held, rows.accountById(held.account), act)
  return ended.length
}

function expire(rows: BookRows, held: HoldRow, account: AccountRow, act: Act): void {
  due(rows, account, act)
  const { id: hold, job: ref } = held
  const origin = { kind: 'lease', key: leaseKey(hold), pools: poolsOf(held), hold, ref } as const
  // Written also when it is nothing: a record that comes later finds its hold by it.
  if (held.floor === 0n) rows.addEntry(account, { ...origin, grant: null, amount: 0n, ...act })
  const left = take(rows, account, held.floor, held.allocation, origin, act)
  giveBack(rows, account, left, held.id, act)
  spendInPools(rows, held.pools, { ended: held.amount, spent: held.floor })
  rows.endHold(held)
  repay(rows, account, act)
}
