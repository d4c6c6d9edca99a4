/** What a reconciliation of the books found, as data. Amounts are decimal text of the unit. */
import type { Unit } from '../amount.ts'
import type { Grant } from '../grant.ts'

export interface ReconcileQuery {
  /** Records whose `at` is not before this, in ms since the epoch. @default all that are kept */
  readonly fromMs?: number
  /** Records whose `at` is before this, in ms since the epoch. @default all that are kept */
  readonly untilMs?: number
  /**
   * Of books that turned out to be those of a copy or to be restored: what the report says is taken
   * as it is, and holds are given again. @default false
   */
  readonly accept?: boolean
}

/**
 * - `uncharged`: a record that the account pays for has no charge.
 * - `amount`: it was charged another amount than it costs by now.
 * - `overcharged`: it was charged, and the account does not pay for it.
 * - `unpriced`: nobody knows what it costs.
 * - `no-record`: a charge of the time whose record is not kept: it was pruned, or is lost.
 */
export type DifferenceKind = 'uncharged' | 'amount' | 'overcharged' | 'unpriced' | 'no-record'

/** A record and its charge that do not agree. */
export interface RecordDifference {
  readonly kind: DifferenceKind
  readonly record: string
  readonly customer: string
  readonly unit: Unit
  readonly charged: string
  /** What it costs. Absent where nobody knows. */
  readonly expected?: string
}

/** What was charged in the time, by unit. */
export interface ChargedSums {
  readonly unit: Unit
  /** For records that the books have covered: no sink was sent them. */
  readonly covered: string
  /** For records that sinks bill as well: of accounts that are mirrored. */
  readonly billed: string
  /** For holds whose call nobody has said the end of, or whose record has no price yet. */
  readonly lease: string
  /** What the records of these charges cost. */
  readonly expected: string
}

/** A grant of an account that a backend bills. */
export interface MirrorState {
  readonly customer: string
  readonly unit: Unit
  readonly grant: Grant
  /** What the backend calls it; `null` where it has none yet. */
  readonly mirror: string | null
}

export interface CreditsReport {
  /** Everything agrees: no problem, no difference, and nothing waits. */
  readonly isClean: boolean
  /**
   * The books turned out to be those of a copy, or were restored from a backup: nothing is held for
   * anybody until this is accepted.
   */
  readonly isRestored: boolean
  /** What does not add up inside the books, a sentence each. */
  readonly problems: readonly string[]
  readonly differences: readonly RecordDifference[]
  readonly sums: readonly ChargedSums[]
  /** Records that are not charged yet: the cursor is behind them. */
  readonly waiting: number
  /** Grants of accounts that are mirrored, to be compared with what the backend has. */
  readonly mirrors: readonly MirrorState[]
}
