/**
 * What is asked of the books beside what calls do: how accounts are collected for, which grants a
 * backend has too, whether they are those of a copy, everything of an account. Once in SQL, whose two
 * databases differ in how a list is given (`sql-collect.ts`), and once in memory. Each is one statement.
 */
import type { AllRows } from '../books/check-books.ts'
import type { AccountRow, GrantRow } from '../books/rows.ts'

/** A grant of an account that a backend bills, which has no grant of its own for it yet. */
export interface UnmirroredGrant {
  readonly grant: GrantRow
  readonly account: AccountRow
}

export interface CollectStore {
  /** Puts another name in the place of a customer's. Returns how many accounts had it. */
  rename(customer: string, to: string): Promise<number>
  /** The accounts that were charged for records while nobody was named, by record. */
  chargedUnattributed(records: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>>
  /** The oldest first. */
  unmirrored(limit: number): Promise<readonly UnmirroredGrant[]>
  /**
   * Blocks every account where the books turned out to be those of a copy since somebody looked last.
   * Returns whether they have.
   */
  haltIfRestored(): Promise<boolean>
  /** Somebody has looked: the accounts are unblocked. */
  acceptRestored(): Promise<void>
  /** Accounts in the order of their ids. */
  accounts(after: number, limit: number): Promise<readonly AccountRow[]>
  /** Everything of an account, and no pools. */
  everythingOf(account: AccountRow): Promise<AllRows>
}

/** Why an account is blocked whose books may be those of a copy. */
export const restoredCode = 'restored'

export interface StoreEvents {
  /** Records were kept by this process. */
  readonly appended: () => void
  /** A store was opened: the first, or one that takes its place. */
  readonly opened: () => void
  /** The outbox was closed. */
  readonly closed: () => void
}
