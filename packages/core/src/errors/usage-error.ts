import { TokenMeterError } from './token-meter-error.ts'

/**
 * A provider's usage was missing or odd. Reported, never thrown: the record was kept all the same,
 * with the raw usage in it.
 */
export class UsageError extends TokenMeterError {
  override readonly name = 'UsageError'
  readonly code = 'usage'
}
