import type { ErasedWith, ObjectKind } from './objects.ts'
import type {
  AccountKey,
  AccountRow,
  EntryRow,
  GrantRow,
  HoldRow,
  PoolPeriod,
  PoolRow,
} from './rows.ts'

/** What an operation is about, where that is known: loaded together, before it begins. */
export interface Hint {
  readonly customers?: readonly string[]
  /** Ids of holds, or `job:` and the names of their jobs. */
  readonly holds?: readonly string[]
  /** Holds that cannot be there yet: their ids were just minted. */
  readonly newHolds?: readonly string[]
  readonly pools?: readonly PoolPeriod[]
  /** Keys of entries that it looks for. */
  readonly keys?: readonly string[]
}

/** What of a store is needed and not there yet. */
export type Need =
  | { readonly what: 'account'; readonly key: AccountKey }
  | { readonly what: 'accountById'; readonly id: number }
  | { readonly what: 'newAccount'; readonly key: AccountKey; readonly at: number }
  | { readonly what: 'accountsOf'; readonly customer: string }
  | { readonly what: 'erasedWith'; readonly of: ErasedWith }
  | { readonly what: 'newGrantId' }
  | { readonly what: 'grant'; readonly id: number }
  | { readonly what: 'grantByKey'; readonly account: number; readonly key: string }
  | { readonly what: 'grantsOfSource'; readonly account: number; readonly source: string }
  | { readonly what: 'grantsInUse'; readonly account: number }
  | { readonly what: 'expiredHeld'; readonly account: number }
  | { readonly what: 'hold'; readonly id: string }
  | { readonly what: 'holds'; readonly ids: readonly string[] }
  | { readonly what: 'holdsOfJob'; readonly job: string }
  | { readonly what: 'endedHold'; readonly id: string }
  | { readonly what: 'leaseEntry'; readonly hold: string }
  | { readonly what: 'leaseEntriesOfJob'; readonly job: string }
  | {
      readonly what: 'endedLeases'
      readonly now: number
      readonly limit: number
      readonly account: number | undefined
    }
  | { readonly what: 'dueAccounts'; readonly now: number; readonly limit: number }
  | { readonly what: 'nextSweep' }
  | { readonly what: 'pool'; readonly pool: string; readonly period: string }
  | { readonly what: 'lastPool'; readonly pool: string }
  | {
      readonly what: 'entries'
      readonly account: number
      readonly limit: number
      readonly before: number | null
    }
  | { readonly what: 'entriesOf'; readonly account: number; readonly key: string }
  | { readonly what: 'entriesOfGrant'; readonly account: number; readonly grant: number }
  | { readonly what: 'object'; readonly account: number; readonly id: string }
  | { readonly what: 'objectsOf'; readonly account: number; readonly kind: ObjectKind }
  | {
      readonly what: 'dueObjects'
      readonly kind: ObjectKind
      readonly now: number
      readonly limit: number
    }

/** Thrown where an operation needs what is not loaded. */
export class NeedsRows extends Error {
  readonly need: Need

  constructor(need: Need) {
    super(`not loaded: ${need.what}`)
    this.need = need
  }
}

/** What was loaded: rows by their own ids, and answers by what was asked. */
export class LoadedRows {
  readonly accounts = new Map<number, AccountRow>()
  readonly grants = new Map<number, GrantRow>()
  readonly holds = new Map<string, HoldRow>()
  readonly pools = new Map<string, PoolRow>()
  /** Entries that were asked for, by account and key; `null` where there is none. */
  readonly entries = new Map<string, EntryRow | null>()
  /** Answers to questions: ids of rows, or entries. */
  readonly answers = new Map<string, unknown>()
}

/**
 * A question as text. Without the moment at which it was asked: an operation that begins again may do so
 * at another one, and would never be done in a database whose answers take longer than the clock's step.
 */
export function questionOf(need: Need): string {
  return JSON.stringify(need, (name, value: unknown) => (moments.has(name) ? undefined : value))
}

const moments: ReadonlySet<string> = new Set(['now', 'at'])

export const poolName = (pool: string, period: string) => JSON.stringify([pool, period])
export const entryName = (account: number, key: string) => `${account} ${key}`

/** With nothing else that the object may have, so that it is always the same text. */
export function plainKey({ customer, unit, stripeAccount }: AccountKey): AccountKey {
  return { customer, unit, stripeAccount }
}
