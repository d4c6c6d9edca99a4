/** What a gateway meters with: a meter, seen from requests that somebody else sends. */
import { type Observing, observingKey } from '../call/http/request-observation.ts'
import type { Meter } from './meter.ts'

/**
 * What requests are observed with that somebody else sends: a gateway brings method, address, headers and
 * the decoded bytes of the body, and passes on what `observeBody` returns.
 *
 * @param meter of `createMeter`, or one that configures itself: it starts at the first observation.
 * @throws TypeError for what is no meter.
 */
export function observing(meter: Meter): Observing {
  if (!(observingKey in meter)) {
    throw new TypeError('observing() expected a meter, as createMeter() makes it')
  }
  return (customer, options) => {
    // One that configures itself can be closed and started again.
    const observe = Reflect.get(meter, observingKey) as Observing
    return observe(customer, options)
  }
}
