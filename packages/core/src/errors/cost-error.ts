import { TokenMeterError } from './token-meter-error.ts'

/** Usage has no cost, because no price of it is known. The record was kept all the same. */
export class CostError extends TokenMeterError {
  override readonly name = 'CostError'
  readonly code = 'cost'
}
