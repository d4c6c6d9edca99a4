import { TokenMeterError } from '@token-meter/core/sink'

/**
 * One meter of one customer: what Stripe has beside what the ledger has, in tokens or, with
 * `value: 'cost'`, in whole units of money.
 */
export interface MeterSum {
  readonly customer: string
  readonly eventName: string
  /** What Stripe bills; absent where it cannot be compared. */
  readonly billed: number | undefined
  /** What Stripe has confirmed. */
  readonly delivered: number
  /** What Stripe may have: events of dead letters of unknown fate. */
  readonly uncertain: number
  /** What is still on its way. */
  readonly pending: number
  /** What Stripe refused, and what was never sent: events of dead letters whose value is known. */
  readonly dead: number
  /** `billed - delivered`. Below 0, Stripe lost something; above, it has more than is known. */
  readonly difference: number | undefined
  /** Why it cannot be compared. */
  readonly problem: string | undefined
}

/** A dead letter of unknown fate, and what Stripe's sums prove about it. */
export interface ReconcileAction {
  readonly recordId: string
  readonly customer: string
  /** All of it arrived; or some did not, and is sent again. */
  readonly action: 'delivered' | 'requeue'
  readonly arrivedEventIds: readonly string[]
  readonly missingEventIds: readonly string[]
  /** False without `apply`, and for a record that somebody else moved in the meantime. */
  readonly applied: boolean
}

/** A dead letter of unknown fate that the sums prove nothing about. */
export interface Unresolved {
  readonly recordId: string
  readonly customer: string
  readonly reason: string
}

export interface ReconcileReport {
  /** The window, in whole minutes, in ms since the epoch. */
  readonly fromMs: number
  readonly untilMs: number
  readonly sums: readonly MeterSum[]
  readonly actions: readonly ReconcileAction[]
  readonly unresolved: readonly Unresolved[]
}

/** The sums could not be compared. Nothing was decided; what was settled before stays settled. */
export class ReconcileError extends TokenMeterError {
  override readonly name = 'ReconcileError'
  readonly code = 'reconcile'
}
