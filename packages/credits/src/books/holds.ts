/** Credit that is set aside before a call, and what its records cost. */
import { availableOf, freeParts } from './drawing.ts'
import { type Act, due, findAccount, giveBack, repay, take, takeBack } from './operations.ts'
import { exceededPool, holdInPools, leftOf, type PoolLimit, spendInPools } from './pools.ts'
import type { AccountKey, AccountRow, Allocation, BookRows, HoldRow } from './rows.ts'

/** Why nothing is set aside. */
export interface Refused {
  readonly state: 'insufficient' | 'blocked'
  /** Of the account, or of the pool that is named. */
  readonly available: bigint
  readonly pool?: string
  readonly why?: string
}

/** What came of asking for a hold. */
export type Held =
  | { readonly state: 'held'; readonly hold: HoldRow }
  | Refused
  /** The id has another amount, or is another account's. */
  | { readonly state: 'conflict' }

/** What is to be held of an account. */
export type WantedHold = Pick<HoldRow, 'id' | 'amount' | 'floor' | 'leaseUntil'>

/** Sets aside what a call may cost. The same id again has the same answer. */
export function hold(
  rows: BookRows,
  key: AccountKey,
  wanted: WantedHold,
  limits: readonly PoolLimit[],
  act: Act,
): Held {
  const known = rows.hold(wanted.id)
  const account = findAccount(rows, key, act)
  if (known !== undefined) {
    const isSame = known.account === account?.id && known.amount === wanted.amount
    return isSame ? { state: 'held', hold: known } : { state: 'conflict' }
  }
  if (account === undefined) return { state: 'insufficient', available: 0n }
  return (
    refusalOf(rows, account, wanted.amount, limits) ?? place(rows, account, wanted, limits, act)
  )
}

/** What stands in the way of setting an amount aside; nothing is changed by asking. */
export function refusalOf(
  rows: BookRows,
  account: AccountRow,
  amount: bigint,
  limits: readonly PoolLimit[],
): Refused | undefined {
  const available = availableOf(account)
  if (account.blocked !== null) return { state: 'blocked', available, why: account.blocked }
  if (available < amount) return { state: 'insufficient', available }
  const exceeded = exceededPool(rows, limits, amount)
  if (exceeded === undefined) return undefined
  return { state: 'insufficient', available: leftOf(exceeded), pool: exceeded.pool }
}

/** Sets aside what nothing stands in the way of. */
export function place(
  rows: BookRows,
  account: AccountRow,
  wanted: WantedHold,
  limits: readonly PoolLimit[],
  act: Act,
): Held {
  const made: HoldRow = {
    ...wanted,
    account: account.id,
    allocation: setAside(rows, account, wanted.amount, limits),
    pools: limits.map(({ pool, period }) => [pool, period] as const),
    state: 'open',
    job: null,
    createdAt: act.at,
  }
  rows.addHold(made)
  return { state: 'held', hold: made }
}

function setAside(
  rows: BookRows,
  account: AccountRow,
  amount: bigint,
  limits: readonly PoolLimit[],
): readonly Allocation[] {
  holdInPools(rows, limits, amount)
  account.held += amount
  rows.saveAccount(account)
  return freeParts(rows, account, amount).map(({ grant, part }): Allocation => {
    grant.held += part
    rows.saveGrant(grant)
    return [grant.id, part]
  })
}

/** Sets more aside under a hold that is open, which nothing stands in the way of. */
export function raise(
  rows: BookRows,
  held: HoldRow,
  by: bigint,
  limits: readonly PoolLimit[],
): void {
  const more = setAside(rows, rows.accountById(held.account), by, limits)
  const parts = new Map(held.allocation)
  for (const [grant, part] of more) parts.set(grant, (parts.get(grant) ?? 0n) + part)
  held.allocation = [...parts]
  held.amount += by
  rows.saveHold(held)
}

/** Holds whose calls are under way stand for longer; those that have ended are left alone. */
export function renew(rows: BookRows, ids: readonly string[], leaseUntil: number): void {
  for (const id of ids) {
    const held = rows.hold(id)
    if (held === undefined || held.state !== 'open' || held.leaseUntil >= leaseUntil) continue
    held.leaseUntil = leaseUntil
    rows.saveHold(held)
  }
}

/** A call has created work that goes on: its hold stands until that is over, and is found by its name. */
export function keepForJob(rows: BookRows, id: string, job: string, leaseUntil: number): void {
  const held = rows.hold(id)
  if (held === undefined) return
  held.job = job
  held.leaseUntil = Math.max(held.leaseUntil, leaseUntil)
  rows.saveHold(held)
}

/** `job:<name>` in place of a hold's id stands for the holds of that job. */
export const jobPrefix = 'job:'

export function holdsNamed(rows: BookRows, id: string): readonly HoldRow[] {
  if (id.startsWith(jobPrefix)) return rows.holdsOfJob(id.slice(jobPrefix.length))
  const held = rows.hold(id)
  return held === undefined ? [] : [held]
}

/** What is charged once, by its key: what a record costs, or what somebody says that a hold came to. */
export interface Charge {
  readonly key: string
  readonly record: string | null
  readonly amount: bigint
}

/** The charge of a record. */
export function recordCharge(record: string, amount: bigint): Charge {
  return { key: `usage:${record}`, record, amount }
}

/**
 * Ends a hold with what its call used. One that was ended before is left as it is, and the charges
 * are made like any others; what its lease was charged is taken back first.
 */
export function settle(rows: BookRows, id: string, charges: readonly Charge[], act: Act): boolean {
  const held = rows.hold(id)
  if (held === undefined) return false
  const account = rows.accountById(held.account)
  due(rows, account, act)
  let allocation: readonly Allocation[] = []
  if (held.state === 'open') allocation = held.allocation
  else if (held.state === 'expired') {
    const back = takeBack(rows, account, `lease:${id}`, { hold: id }, act)
    spendInPools(rows, held, { ended: 0n, spent: -back })
  }
  const isOpen = held.state === 'open'
  let spent = 0n
  for (const { key, record, amount } of charges) {
    if (amount === 0n || rows.hasEntry(account.id, key)) continue
    const origin = { kind: 'usage', key, record, hold: id } as const
    allocation = take(rows, account, amount, allocation, origin, act)
    spent += amount
  }
  spendInPools(rows, held, { ended: isOpen ? held.amount : 0n, spent })
  if (isOpen) giveBack(rows, account, allocation, id, act)
  if (isOpen || held.state === 'expired') {
    held.state = 'settled'
    rows.saveHold(held)
  }
  repay(rows, account, act)
  rows.saveAccount(account)
  return isOpen
}

/** Charges what came without a hold. False where it was charged before. */
export function charge(
  rows: BookRows,
  account: AccountRow,
  { key, record, amount }: Charge,
  act: Act,
): boolean {
  due(rows, account, act)
  if (amount === 0n || rows.hasEntry(account.id, key)) return false
  take(rows, account, amount, [], { kind: 'usage', key, record }, act)
  repay(rows, account, act)
  rows.saveAccount(account)
  return true
}

/**
 * Takes back what a record was charged: it turned out to bill nothing, or to be somebody else's. False
 * where it was not charged, or taken back before.
 */
export function restore(rows: BookRows, account: AccountRow, record: string, act: Act): boolean {
  due(rows, account, act)
  const key = `usage:${record}`
  const [first] = rows.entriesOf(account.id, key)
  const back = takeBack(rows, account, key, { record }, act)
  if (back === 0n) return false
  const held = typeof first?.hold === 'string' ? rows.hold(first.hold) : undefined
  if (held !== undefined) spendInPools(rows, held, { ended: 0n, spent: -back })
  repay(rows, account, act)
  rows.saveAccount(account)
  return true
}

/** Ends a hold whose call was never sent. False where it had ended. */
export function release(rows: BookRows, id: string, act: Act): boolean {
  const held = rows.hold(id)
  if (held === undefined || held.state !== 'open') return false
  const account = rows.accountById(held.account)
  due(rows, account, act)
  giveBack(rows, account, held.allocation, id, act)
  spendInPools(rows, held, { ended: held.amount, spent: 0n })
  held.state = 'released'
  rows.saveHold(held)
  repay(rows, account, act)
  rows.saveAccount(account)
  return true
}

/** Ends holds that nobody ended: each is charged its floor. Returns how many. */
export function sweep(rows: BookRows, act: Act, limit: number): number {
  const ended = rows.endedLeases(act.at, limit)
  for (const held of ended) {
    const account = rows.accountById(held.account)
    due(rows, account, act)
    const origin = { kind: 'lease', key: `lease:${held.id}`, hold: held.id } as const
    const left = take(rows, account, held.floor, held.allocation, origin, act)
    giveBack(rows, account, left, held.id, act)
    spendInPools(rows, held, { ended: held.amount, spent: held.floor })
    held.state = 'expired'
    rows.saveHold(held)
    repay(rows, account, act)
    rows.saveAccount(account)
  }
  return ended.length
}
