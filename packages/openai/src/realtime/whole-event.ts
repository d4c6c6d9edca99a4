import { type Endpoint, noEstimate } from '@token-meter/core/wire'

/** The endpoint of what comes with one event, and is read before its call is known. */
export function wholeEvent(name: string): Endpoint {
  return { name, read: () => [], ...noEstimate }
}
