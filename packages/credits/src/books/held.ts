/** What is asked of an account, and what came of that. */
import type { HoldRow, PoolRow } from './rows.ts'

/** Why nothing is set aside. */
export interface Refused {
  readonly state: 'insufficient' | 'blocked'
  /** Of the account, or of the pool that is named. */
  readonly available: bigint
  readonly pool?: string
  readonly why?: string
  /** The pool that is named, as it is. */
  readonly exceeded?: PoolRow
  /** The newest grant of the account that is active, 0 for none: another one is new credit. */
  readonly newestGrant?: number
}

/** What came of asking for a hold. */
export type Held =
  | { readonly state: 'held'; readonly hold: HoldRow }
  /** It was held before, and has ended since: nothing is held again. */
  | { readonly state: 'ended' }
  | Refused
  /** The id has another amount, or is another account's. */
  | { readonly state: 'conflict' }

/** What is to be held of an account. */
export interface WantedHold extends Pick<HoldRow, 'id' | 'amount' | 'floor' | 'leaseUntil'> {
  /** The application gave the id, and may give it again. @default false: it was just minted */
  readonly isNamed?: boolean
}
