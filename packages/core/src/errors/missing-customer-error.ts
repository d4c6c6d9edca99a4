import { TokenMeterError } from './token-meter-error.ts'

/**
 * A call had no customer. Thrown into the call, before it is sent, only where the meter was made
 * with `onMissingCustomer: 'throw'`; otherwise reported, and the usage is kept unattributed.
 */
export class MissingCustomerError extends TokenMeterError {
  override readonly name = 'MissingCustomerError'
  readonly code = 'missing-customer'
}
