import { TokenMeterError } from './token-meter-error.ts'

/**
 * The meter itself could not observe something: an unknown shape of client or response, a customer
 * or attributes function that threw. Reported, never thrown into the call.
 */
export class ObserverError extends TokenMeterError {
  override readonly name = 'ObserverError'
  readonly code = 'observer'
}
