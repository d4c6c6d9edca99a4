import { MissingCustomerError } from '../errors/errors.ts'
import type { CallObserver } from './provider.ts'

/**
 * Does the meter's own work before or beside a call; `undefined` where it failed, which is reported.
 * Nothing of the meter reaches the call, but the refusal that the application asked for.
 *
 * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
 */
export function guarded<Value>(observer: CallObserver, work: () => Value): Value | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof MissingCustomerError) throw error
    observer.fault('a call could not be observed', error)
    return undefined
  }
}
