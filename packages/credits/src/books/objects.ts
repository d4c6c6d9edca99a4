/**
 * What stands beside an account's money: objects of Stripe that were applied, plans, grants that a
 * backend is to have too. Each is written in the transaction of what it stands for.
 */
import type { Unit } from '../amount.ts'

/**
 * What is looked for: the key of a grant that was paid for, what one was paid for, the id of an object of
 * Stripe's, or that of a credit grant at Stripe.
 */
export interface ErasedWith {
  readonly unit: Unit
  readonly stripeAccount: string
  readonly what: 'grant' | 'source' | 'object' | 'mirror'
  readonly name: string
}

/**
 * - `payment`: a payment intent or an invoice, and what came of it.
 * - `invoice`: one whose payment fails, or failed.
 * - `subscription`: one of Stripe's, as it was applied last.
 * - `plan`: what an account is included in, period by period.
 * - `mirror`: a grant that Stripe is to have as a credit grant.
 */
export type ObjectKind = 'payment' | 'invoice' | 'subscription' | 'plan' | 'mirror'

/** The row of a grant that a backend is to have too. */
export const mirrorPrefix = 'mirror:'
export const mirrorName = (grant: number | string): string => `${mirrorPrefix}${grant}`
export const mirroredId = (name: string): number => Number(name.slice(mirrorPrefix.length))

/** What is known of one, as JSON: by its kind. */
export type ObjectState = Readonly<Record<string, string | number | boolean | null>>

export interface ObjectRow {
  readonly account: number
  readonly id: string
  readonly kind: ObjectKind
  state: ObjectState
  /** How often it was applied: what was read before another one wrote is not written. */
  version: number
  /** When something is to be done about it. */
  dueAt: number | null
  /** When it was applied last. */
  at: number
}

/** The rows of a store that are objects. What it gives is the caller's: written by `save` alone. */
export interface ObjectRows {
  get(account: number, id: string): ObjectRow | undefined
  of(account: number, kind: ObjectKind): readonly ObjectRow[]
  /** Of all accounts: those of a kind that something is to be done about by now, the oldest first. */
  due(kind: ObjectKind, now: number, limit: number): readonly ObjectRow[]
  /** The account of a customer who was erased that has this. */
  erasedWith(of: ErasedWith): number | undefined
  /** Adds it, or writes it anew. */
  save(object: ObjectRow): void
}
