/** Prepaid credit, as an application uses it. `create-credits.ts` makes it. */
import type { Guard } from '@token-meter/core'
import type { CostCalculator } from '@token-meter/core/cost'
import type { Outbox } from '@token-meter/core/outbox'
import type { Actor, Amount, Unit } from './amount.ts'
import type { EntryKind, GrantKind } from './books/rows.ts'
import type { Grant } from './grant.ts'
import type { CollectVerbs } from './collect/verbs.ts'
import type { CreditEvents } from './events.ts'
import type { GuardOptions } from './guard/options.ts'
import type { Plan } from './plans/plan.ts'
import type { PlanVerbs } from './plans/verbs.ts'
import type { PoolBalance, PoolOptions } from './pools.ts'

export interface CreditsOptions {
  /** The meter's own outbox: the books stand in the same file or database. */
  readonly outbox: Outbox
  /** The meter's own cost calculator, for records that have no cost yet. @default none */
  readonly cost?: CostCalculator
  /** What customers are given again and again: free tiers, trials, included usage. @default none */
  readonly plans?: readonly Plan[]
  /**
   * The books die with the process: without it, a memory outbox is a ConfigError.
   * @default false
   */
  readonly ephemeral?: boolean
  /** At how many percent of the last grant `low` is told. @default [20, 5] */
  readonly lowAt?: readonly number[]
  /** How long a write waits for another process that has the store, in ms. @default 2000 */
  readonly busyMs?: number
  /**
   * How long it takes at least until what time has ended is looked for, in ms: holds whose lease is
   * over, grants that expire. @default 15000
   */
  readonly sweepMs?: number
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number
}

export type GrantOptions = Amount &
  Actor & {
    /**
     * The business key of what it is given for, such as a payment intent: one grant for each, of an
     * account. The same key for another customer grants to that one too.
     */
    readonly idempotencyKey: string
    /** @default 'paid' */
    readonly kind?: GrantKind
    /** From when it counts, in ms since the epoch or as a `Date`. @default now */
    readonly effectiveAt?: number | Date
    /** Until when, in ms since the epoch or as a `Date`; it has to be to come. @default for ever */
    readonly expiresAt?: number | Date
    /** 0 (drawn first) to 100. @default 50 */
    readonly priority?: number
    /** What it was given for, to find it by: an invoice. @default the idempotency key */
    readonly source?: string
  }

export type AdjustOptions = Amount &
  Actor & {
    /** The business key of the correction, such as a ticket: done once for each, of an account. */
    readonly idempotencyKey: string
    /** Why, for the entries. @default none */
    readonly reason?: string
  }

export interface UnrevokeOptions extends Actor {
  /** What was granted for it: the `source` of the grant, which is its idempotency key unless another was named. */
  readonly source: string
  /** Of which of the customer's accounts. @default 'usd' */
  readonly unit?: Unit
  /** The business key of the revocation, such as a refund: done once for each, of an account. */
  readonly idempotencyKey: string
}

export interface RevokeOptions extends UnrevokeOptions {
  /** How much at the most, as decimal text of the unit. @default all that is not revoked yet */
  readonly amount?: string
}

/** What an account has. Amounts are decimal text of the unit. */
export interface Balance {
  readonly unit: Unit
  /** `posted` without `held`: what may be held now. Below 0 while there is debt. */
  readonly available: string
  /** Set aside for calls under way. */
  readonly held: string
  /** All entries together. */
  readonly posted: string
  /** What was used beyond all credit; paid by the next grant. */
  readonly debt: string
  /** Why nothing may be held. */
  readonly blocked: string | null
  /** Those that are scheduled or active, in the order in which they are drawn. */
  readonly grants: readonly Grant[]
}

/** Credit that is set aside until what it is for has ended. */
export interface Hold {
  readonly id: string
  readonly customer: string
  /** Decimal text. */
  readonly amount: string
  /**
   * Ends it with what it came to, which may be more or less, and gives the rest back. A hold that has
   * ended is charged nothing again; one whose lease has ended is charged this in place of its lease.
   */
  settle(amount: string): Promise<void>
  /** Ends it and gives all of it back: nothing was sent. */
  release(): Promise<void>
}

export type HoldOptions = Amount &
  Actor & {
    /** The same id again is the same hold. @default a new one */
    readonly id?: string
    /** How long it stands unless it is ended, in ms. @default 60000 */
    readonly ttlMs?: number
    /** Ids of the pools that it is under as well, of the same unit. @default none */
    readonly pools?: readonly string[]
  }

/** A line of an account's history. */
export interface HistoryEntry {
  readonly id: number
  readonly kind: EntryKind
  readonly unit: Unit
  /** Decimal text; below 0 what was taken. */
  readonly amount: string
  /** Of which grant; `null` for debt. */
  readonly grant: string | null
  readonly record: string | null
  readonly hold: string | null
  readonly ref: string | null
  readonly actor: string
  /** ms since the epoch. */
  readonly at: number
}

export interface HistoryQuery {
  /** Of which of the customer's accounts. @default 'usd' */
  readonly unit?: Unit
  /** How many entries a page has at the most. @default 100 */
  readonly limit?: number
  /** `next` of the page before. @default the newest */
  readonly after?: number
}

/** Prepaid credit. Made by `createCredits`. */
export interface Credits extends PlanVerbs, CollectVerbs {
  /**
   * Gives credit, once for an idempotency key.
   * @throws CreditsConflictError where the key was used for another amount or kind; ConfigError for a
   * wrong option, such as an `expiresAt` that is over; TypeError or RangeError for an amount that is none.
   */
  grant(customer: string, options: GrantOptions): Promise<Grant>
  /**
   * What an account has; nothing of who has none.
   * @throws CreditsUnavailableError where the SQLite file was deleted under this process, and its accounts with it.
   */
  balance(customer: string, options?: { readonly unit?: Unit }): Promise<Balance>
  /** Whether a hold of this would be given now. Holds nothing: advice for a page. */
  check(
    customer: string,
    amount: Amount,
  ): Promise<{ readonly allowed: boolean; readonly available: string; readonly required: string }>
  /**
   * Sets credit aside. Of `'0'` it says whether anything may be held at all: not while there is debt.
   * @throws InsufficientCreditsError of the account, or of a pool that it names; CallRefusedError for a
   * pool that there is not, or of another unit; CreditsUnavailableError as of `balance`;
   * CreditsConflictError where the id has another amount or account.
   */
  hold(customer: string, options: HoldOptions): Promise<Hold>
  /**
   * Puts an account right by hand: above 0 gives, below 0 takes, also beyond what is left, as debt.
   * Returns false where the key was used before, and for an amount of 0.
   * @throws ConfigError for a wrong option, and for an amount below 0 of a customer who has no account: a
   * name that is wrong would get one with debt in it.
   */
  adjust(customer: string, options: AdjustOptions): Promise<boolean>
  /**
   * Takes back what was granted for a source (a refund, a dispute): of what is unspent first; what is
   * spent becomes debt. Returns what was taken, as decimal text; `'0'` for a key that was used before, and
   * where nothing was granted for the source. What was paid for reaches the account of a customer who was
   * erased since, by the old name.
   * @throws ConfigError for a wrong option; TypeError or RangeError for an amount that is none.
   */
  revoke(customer: string, options: RevokeOptions): Promise<string>
  /** Undoes a revocation by its key: a dispute was won. Returns false where there is nothing to undo. */
  unrevoke(customer: string, options: UnrevokeOptions): Promise<boolean>
  /** An account's entries, the newest first. @throws ConfigError for a wrong option. */
  history(
    customer: string,
    query?: HistoryQuery,
  ): Promise<{ readonly entries: readonly HistoryEntry[]; readonly next?: number }>
  /**
   * Ends what time ends: holds whose lease is over, grants that expire. Done by itself in each process
   * that works with credits, and for an account whenever it has too little left for a hold. Returns how
   * many holds were over.
   */
  sweep(): Promise<number>
  /**
   * Compares the books with their entries: what accounts, grants, holds and pools say with what was
   * written. Returns what is wrong, a sentence each; nothing where they balance.
   */
  verify(): Promise<readonly string[]>
  /**
   * What lets no call go that its customer cannot pay, for `createMeter({ guard })`: it holds the most
   * that a call can come to, in each account that its customer has, before it is sent. The call is
   * rejected with an InsufficientCreditsError, CallRefusedError or CreditsUnavailableError otherwise.
   * @throws ConfigError for a wrong option.
   */
  guard(options?: GuardOptions): Guard
  /**
   * Sets up a limit for all calls that name it, in this process: each process that makes such calls does
   * so when it starts. Once more with another limit changes it from the next hold on.
   *
   * What is held under it counts, and what the records of those holds cost in the end. Usage that comes
   * without a hold (`meter.record()`, calls that `onStoreError: 'allow'` let go) counts in no pool.
   * @throws ConfigError for a wrong option.
   */
  pool(options: PoolOptions): void
  /** What a pool has in its period. @throws ConfigError for one that there is not. */
  poolBalance(id: string): Promise<PoolBalance>
  /**
   * Hears of what happens, until the function is called that it returns.
   * @throws ConfigError for an event that there is not.
   */
  on<Name extends keyof CreditEvents>(
    name: Name,
    listener: (event: CreditEvents[Name]) => void,
  ): () => void
}
