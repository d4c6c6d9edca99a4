import { TokenMeterError } from '@token-meter/core/sink'

/** The sums could not be compared. Nothing was decided; what was settled before stays settled. */
export class ReconcileError extends TokenMeterError {
  override readonly name = 'ReconcileError'
  readonly code = 'reconcile'
}
