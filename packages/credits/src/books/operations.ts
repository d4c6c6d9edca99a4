/**
 * What is done with an account, written once for every store whose rows are at hand. Each runs inside
 * one transaction of the caller's, and begins with `due`: what has become effective or has expired by
 * now. Each ends with `repay`, so that debt never stands beside credit that is free.
 */
import { blockOverdue } from './blocks.ts'
import { freeOf, freeParts, smaller } from './drawing.ts'
import type {
  AccountKey,
  AccountRow,
  Allocation,
  BookRows,
  EntryKind,
  EntryRow,
  GrantRow,
  NewEntry,
} from './rows.ts'

/** Who does it and when, in ms since the epoch. */
export interface Act {
  readonly actor: string
  readonly at: number
}

/** Where an entry comes from, beside the account and the amount. */
type Origin = Pick<NewEntry, 'kind' | 'hold' | 'record' | 'pools' | 'ref'>

/** The account, as it is by now; made where there is none. */
export function openAccount(rows: BookRows, key: AccountKey, act: Act): AccountRow {
  const account = rows.account(key) ?? rows.addAccount(key, act.at)
  begin(rows, account, act)
  due(rows, account, act)
  return account
}

/** The account, as it is by now, where there is one, or one begins with something. */
export function findAccount(rows: BookRows, key: AccountKey, act: Act): AccountRow | undefined {
  const account = rows.account(key)
  if (account === undefined) {
    return rows.plans?.hasDefault(key.unit) === true ? openAccount(rows, key, act) : undefined
  }
  begin(rows, account, act)
  due(rows, account, act)
  return account
}

/**
 * A new account begins with its default plan. It is new by what it has, not by who has just added it:
 * an operation on Postgres begins again.
 */
function begin(rows: BookRows, account: AccountRow, act: Act): void {
  if (account.lastEntry > 0 || rows.plans?.hasDefault(account.unit) !== true) return
  if (rows.objects.of(account.id, 'plan').length > 0) return
  rows.plans.begin(rows, account, act.at)
}

/** Makes grants effective whose time has come, and expires those whose time is over. */
export function due(rows: BookRows, account: AccountRow, { actor, at }: Act): void {
  if (account.nextDueAt === null || account.nextDueAt > at) return
  rows.plans?.renew(rows, account, at)
  blockOverdue(rows, account, at)
  for (const grant of rows.grants(account.id, 'scheduled')) {
    if (grant.effectiveAt > at) continue
    activate(rows, account, grant, { actor, at: grant.effectiveAt })
  }
  for (const grant of rows.grants(account.id, 'active')) {
    if (grant.expiresAt === null || grant.expiresAt > at) continue
    const free = freeOf(grant)
    grant.state = 'expired'
    grant.remaining -= free
    rows.saveGrant(grant)
    const key = `expiry:${grant.id}`
    if (free > 0n) {
      const entry = { grant: grant.id, kind: 'expiry', key } as const
      rows.addEntry(account, { ...entry, amount: -free, actor, at: grant.expiresAt })
    }
  }
  schedule(rows, account)
  repay(rows, account, { actor, at })
}

/** When the next grant of the account becomes effective or expires, or something else is due. */
export function schedule(rows: BookRows, account: AccountRow): void {
  const times = [
    ...rows.grants(account.id, 'scheduled').map(({ effectiveAt }) => effectiveAt),
    ...rows.grants(account.id, 'active').map(({ expiresAt }) => expiresAt ?? Infinity),
    ...rows.objects.of(account.id, 'plan').map(({ dueAt }) => dueAt ?? Infinity),
    ...rows.objects.of(account.id, 'invoice').map(({ dueAt }) => dueAt ?? Infinity),
  ]
  const next = Math.min(...times)
  account.nextDueAt = Number.isFinite(next) ? next : null
  rows.saveAccount(account)
}

/** A grant's time has come. */
export function activate(rows: BookRows, account: AccountRow, grant: GrantRow, act: Act): void {
  grant.state = 'active'
  rows.saveGrant(grant)
  const { source: ref } = grant
  const entry = { grant: grant.id, kind: 'grant', ref } as const
  rows.addEntry(account, { ...entry, amount: grant.amount, key: `grant:${grant.id}`, ...act })
  // What was taken back of it before its time.
  const { revoked } = grant
  if (revoked === 0n) return
  grant.remaining -= revoked
  rows.saveGrant(grant)
  const key = `revoke:scheduled:${grant.id}`
  rows.addEntry(account, { ...entry, kind: 'revoke', amount: -revoked, key, ...act })
}

/**
 * Takes an amount: from what is set aside, then from what is free, and what nothing is left for is
 * debt. What is set aside must be less or as much as its grants hold.
 * @returns what of the allocation was not needed: it is still set aside.
 */
export function take(
  rows: BookRows,
  account: AccountRow,
  amount: bigint,
  allocation: readonly Allocation[],
  origin: Origin & { readonly key: string },
  act: Act,
): readonly Allocation[] {
  const left: Allocation[] = []
  let rest = amount
  let count = 0
  const write = (grant: number | null, part: bigint) => {
    const key = count === 0 ? origin.key : `${origin.key}:${count}`
    count++
    rows.addEntry(account, { ...origin, key, grant, amount: -part, ...act })
    rest -= part
  }
  for (const [id, held] of allocation) {
    const part = smaller(held, rest)
    if (part < held) left.push([id, held - part])
    if (part === 0n) continue
    const grant = rows.grant(id)
    grant.remaining -= part
    grant.held -= part
    rows.saveGrant(grant)
    write(id, part)
  }
  for (const { grant, part } of freeParts(rows, account, rest)) {
    grant.remaining -= part
    rows.saveGrant(grant)
    write(grant.id, part)
  }
  if (rest > 0n) {
    account.debt += rest
    rows.saveAccount(account)
    write(null, rest)
  }
  return left
}

/** Gives what was set aside back to the grants it came from. What has expired meanwhile is over. */
export function giveBack(
  rows: BookRows,
  account: AccountRow,
  allocation: readonly Allocation[],
  hold: string,
  act: Act,
): void {
  for (const [id, part] of allocation) {
    const grant = rows.grant(id)
    grant.held -= part
    if (grant.state === 'expired') {
      grant.remaining -= part
      const entry = { grant: id, kind: 'expiry', hold } as const
      rows.addEntry(account, { ...entry, amount: -part, key: `expiry:${id}:${hold}`, ...act })
    }
    rows.saveGrant(grant)
  }
}

/** Pays debt with what is free. */
export function repay(rows: BookRows, account: AccountRow, act: Act): void {
  if (account.debt <= 0n) return
  for (const { grant, part } of freeParts(rows, account, account.debt)) {
    grant.remaining -= part
    rows.saveGrant(grant)
    account.debt -= part
    const key = `debt:${account.lastEntry}`
    const entry = { kind: 'debt', ...act } as const
    rows.addEntry(account, { ...entry, grant: grant.id, amount: -part, key: `${key}:from` })
    rows.addEntry(account, { ...entry, grant: null, amount: part, key: `${key}:to` })
  }
  rows.saveAccount(account)
}

/** The key of what takes an operation's entries back. */
export function reversalKey(taken: string): string {
  return `reversal:${taken}`
}

/**
 * Takes entries back: what they took from a grant is the grant's again (and over at once where it has
 * expired), what was debt is none, and where that debt was paid meanwhile the account has it as a
 * grant of its own.
 * @param taken the key of the operation whose entries are taken back, once.
 */
export function takeBack(
  rows: BookRows,
  account: AccountRow,
  taken: string,
  origin: Pick<NewEntry, 'hold' | 'record' | 'ref'>,
  act: Act,
): bigint {
  const key = reversalKey(taken)
  if (rows.hasEntry(account.id, key)) return 0n
  let sum = 0n
  let count = 0
  const write = (
    grant: number | null,
    amount: bigint,
    pools: EntryRow['pools'],
    kind: EntryKind = 'reversal',
  ) => {
    const own = count === 0 ? key : `${key}:${count}`
    count++
    rows.addEntry(account, { ...origin, pools, grant, kind, amount, key: own, ...act })
  }
  for (const { grant: id, amount, pools } of rows.entriesOf(account.id, taken)) {
    const back = -amount
    sum += back
    if (id !== null) {
      const grant = rows.grant(id)
      write(id, back, pools)
      if (grant.state === 'active') {
        grant.remaining += back
        rows.saveGrant(grant)
      } else write(id, -back, null, 'expiry')
      continue
    }
    const unpaid = smaller(account.debt, back)
    // Also of nothing: it says that this was done.
    if (unpaid > 0n || back === 0n) {
      account.debt -= unpaid
      rows.saveAccount(account)
      write(null, unpaid, pools)
    }
    if (back > unpaid) {
      const grant = rows.addGrant({
        ...plainGrant(account.id, back - unpaid, act.at),
        state: 'active',
        source: key,
        idempotencyKey: `${key}:${count}`,
      })
      write(grant.id, grant.amount, pools)
    }
  }
  return sum
}

/** A grant without wishes. */
export function plainGrant(account: number, amount: bigint, at: number) {
  return {
    account,
    amount,
    remaining: amount,
    held: 0n,
    revoked: 0n,
    state: 'scheduled',
    priority: 50,
    kind: 'adjustment',
    effectiveAt: at,
    expiresAt: null,
    source: null,
    createdAt: at,
  } as const
}
