import type { GrantKind } from './books/rows.ts'

/** A grant as it stands. Amounts are decimal text of the account's unit. */
export interface Grant {
  readonly id: string
  readonly kind: GrantKind
  readonly state: 'scheduled' | 'active' | 'expired' | 'voided'
  readonly amount: string
  /** Neither used, expired nor revoked. */
  readonly remaining: string
  /** Of what remains: set aside for calls under way. */
  readonly held: string
  readonly priority: number
  /** ms since the epoch. */
  readonly effectiveAt: number
  /** ms since the epoch. */
  readonly expiresAt: number | null
  readonly source: string | null
}
