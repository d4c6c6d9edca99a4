/**
 * What the books are written in: the same rows in memory, SQLite and Postgres. Amounts are whole
 * parts of the account's unit (`amount.ts`), times are ms since the epoch.
 *
 *     account   one customer, one unit: the fixed row that everything is done under
 *     grant     credit that was given; drawn in an order (`drawing.ts`)
 *     hold      what a call may cost, set aside before it is sent, and from which grants
 *     entry     every change of what an account has, append-only
 *     object    what stands beside its money: Stripe's objects, plans (`objects.ts`)
 *
 * What always holds of an account, at the end of every operation:
 *
 *     posted = sum of its entries = sum of what its active and expired grants have left - debt
 *     held   = sum of its open holds = sum of what its grants have set aside
 *     debt   = what was used beyond all credit; never beside credit that is free
 *     available = posted - held = sum of what its active grants have free - debt
 *
 * Of these only debt is written down (`balance.ts` has the others): a call would change each of them
 * twice, and the account's row is not touched by calls at all.
 */
import type { Unit } from '../amount.ts'
import type { ObjectRows } from './objects.ts'

/** Who an account is of. The customer's text stands here, in records, and nowhere else. */
export interface AccountKey {
  readonly customer: string
  readonly unit: Unit
  /** The connected account of a platform; empty for one's own. */
  readonly stripeAccount: string
}

/**
 * How money is collected for what an account uses.
 * - `prepaid`: its credit was paid for, so no sink that bills gets any of it.
 * - `mirror`: a backend bills all of it, and has the same credit to draw.
 */
export type Collect = 'prepaid' | 'mirror'

export interface AccountRow extends AccountKey {
  readonly id: number
  /** A pseudonym once it was erased. */
  customer: string
  collect: Collect
  debt: bigint
  /** When the next grant becomes effective or expires. */
  nextDueAt: number | null
  /** Why nothing may be held: a code. */
  blocked: string | null
  /** The `id` of its newest entry, counted from those that are there. */
  lastEntry: number
  /** What was used before is no matter of the account's. */
  readonly createdAt: number
}

/**
 * - `paid`: money was taken for it.
 * - `promo`: given away.
 * - `plan`: included in a plan's period.
 * - `adjustment`: put right by somebody.
 */
export type GrantKind = 'paid' | 'promo' | 'plan' | 'adjustment'

/**
 *     scheduled ── effectiveAt ──> active ── expiresAt ──> expired
 *         └──────── revoked before ─────────> voided
 *
 * What is set aside of a grant that expires stays so until its hold ends.
 */
export type GrantState = 'scheduled' | 'active' | 'expired' | 'voided'

export interface GrantRow {
  readonly id: number
  readonly account: number
  readonly amount: bigint
  /** Neither used, expired nor revoked. */
  remaining: bigint
  /** Of what remains: set aside by holds. */
  held: bigint
  /** Taken back by `revoke`, used or not. */
  revoked: bigint
  state: GrantState
  /** 0 is drawn first, 100 last. */
  readonly priority: number
  readonly kind: GrantKind
  readonly effectiveAt: number
  readonly expiresAt: number | null
  /** What it was given for: an invoice, a payment intent, a plan's period. */
  readonly source: string | null
  /** Its business key: given once. */
  readonly idempotencyKey: string
  readonly createdAt: number
}

/** What is set aside of one grant. */
export type Allocation = readonly [grant: number, amount: bigint]

/** A pool, in one of its periods. */
export type PoolPeriod = readonly [pool: string, period: string]

/**
 * A hold that is open: one that ends is deleted, so that looking through all of them stays short.
 *
 *     open ── settle, release ──> (deleted)
 *      └──── lease ended ──> (deleted), and an entry of kind `lease` with its floor
 *
 * That entry has what a record needs that comes later still, however late: the hold's account, its pools
 * and its job. The record is charged in its place.
 */
export interface HoldRow {
  readonly id: string
  readonly account: number
  amount: bigint
  /** What is charged if nobody ever says what became of the call. */
  readonly floor: bigint
  allocation: readonly Allocation[]
  /** The pools that it counts in, each in its period and once. */
  readonly pools: readonly PoolPeriod[]
  /** The application gave its id, and may give it again once the hold has ended. */
  readonly isNamed: boolean
  /** The work that its call has created, and that goes on: a batch, a background response. */
  job: string | null
  leaseUntil: number
  readonly createdAt: number
}

/** A hold with a name of the application's that has ended: the same again holds nothing. */
export type EndedHold = Pick<HoldRow, 'id' | 'account' | 'amount'>

/** What a pool has held and spent in a period. */
export interface PoolRow {
  readonly pool: string
  readonly period: string
  limit: bigint
  /** Left over from the period before. */
  readonly carried: bigint
  spent: bigint
  held: bigint
}

/**
 * - `grant`, `expiry`, `revoke`, `adjust`: of credit.
 * - `usage`: a record's cost.
 * - `lease`: what a hold is charged that has no end, also where that is nothing (its `ref` is the job that it
 *   was kept for), or a record without a price.
 * - `debt`: a pair, which pays what was used beyond all credit from a grant.
 * - `reversal`: takes back entries of the same `record`, `hold` or `ref`.
 */
export type EntryKind =
  | 'grant'
  | 'expiry'
  | 'revoke'
  | 'adjust'
  | 'usage'
  | 'lease'
  | 'debt'
  | 'reversal'

/** An entry before it is written. */
export interface NewEntry {
  /** `null`: of no grant, which is debt. */
  readonly grant: number | null
  readonly kind: EntryKind
  /** What it adds to what the account has; below 0 what it takes. */
  readonly amount: bigint
  /** An operation's own: the same one twice is one. */
  readonly key: string
  readonly hold?: string | null
  readonly record?: string | null
  /** The pools that it counts in. */
  readonly pools?: readonly PoolPeriod[] | null
  /** What it is about, for people and other systems: an invoice, a dispute. */
  readonly ref?: string | null
  readonly actor: string
  readonly at: number
}

export interface EntryRow extends Required<NewEntry> {
  readonly account: number
  /** From 1 up, in each account. */
  readonly id: number
}

/** What accounts begin with, and what the time brings them: `src/plans`. */
export interface AccountPlans {
  hasDefault(unit: Unit): boolean
  begin(rows: BookRows, account: AccountRow, at: number): void
  renew(rows: BookRows, account: AccountRow, at: number): void
}

/** What holds were charged whose lease has ended: of each the first of its entries. */
export interface LeaseRows {
  of(hold: string): EntryRow | undefined
  /** Of holds that were kept for this job, in the order of their ids. */
  ofJob(job: string): readonly EntryRow[]
}

/** A store's rows, read and written inside one transaction. Everything is synchronous. */
export interface BookRows {
  /**
   * The operation has ended: what was saved is written by now, and rows that it was given are its own
   * no more.
   */
  end(): void
  /** The operation has failed, and its transaction with it: nothing that was saved is written. */
  undone?(): void
  account(key: AccountKey): AccountRow | undefined
  accountById(id: number): AccountRow
  addAccount(key: AccountKey, at: number): AccountRow
  /** The accounts of a customer, of whatever unit. */
  accountsOf(customer: string): readonly AccountRow[]
  saveAccount(account: AccountRow): void
  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow
  grant(id: number): GrantRow
  grantByKey(account: number, idempotencyKey: string): GrantRow | undefined
  grantsOfSource(account: number, source: string): readonly GrantRow[]
  /** Those of a state, in the order in which they are drawn. */
  grants(account: number, state: GrantState): readonly GrantRow[]
  saveGrant(grant: GrantRow): void
  /** Expired ones of which holds still have a part. */
  expiredHeld(account: number): readonly GrantRow[]
  hold(id: string): HoldRow | undefined
  /** Those of a call that has created this job. */
  holdsOfJob(job: string): readonly HoldRow[]
  addHold(hold: HoldRow): void
  saveHold(hold: HoldRow): void
  /** It is over: what is kept of it is its id, where that is the application's. */
  endHold(hold: HoldRow): void
  endedHold(id: string): EndedHold | undefined
  /** Moves the end of holds' leases, never to an earlier time. Returns the ids of those that are open. */
  renewHolds(ids: readonly string[], leaseUntil: number): readonly string[]
  /** Holds whose lease has ended, the oldest first. @param account of this one only. */
  endedLeases(now: number, limit: number, account?: number): readonly HoldRow[]
  /** Accounts that have a grant which becomes effective or expires by then. */
  dueAccounts(now: number, limit: number): readonly AccountRow[]
  /** When the next lease ends or the next account is due, which may be over; `null` for never. */
  nextSweepAt(): number | null
  pool(pool: string, period: string): PoolRow | undefined
  /** Of its newest period. */
  lastPool(pool: string): PoolRow | undefined
  addPool(pool: PoolRow): PoolRow
  savePool(pool: PoolRow): void
  /** Numbers it as the account's next, which is written with the account. */
  addEntry(account: AccountRow, entry: NewEntry): void
  /** Entries, the newest first. */
  entries(account: number, limit: number, before: number | null): readonly EntryRow[]
  hasEntry(account: number, key: string): boolean
  /** Those of a grant, but for usage. */
  entriesOfGrant(grant: GrantRow): readonly EntryRow[]
  /** The entries of one operation: those whose key is this one, or this one and a number. */
  entriesOf(account: number, key: string): readonly EntryRow[]
  readonly leases: LeaseRows
  readonly objects: ObjectRows
  /** Those of the application. @default none */
  plans?: AccountPlans
}
