import type { Endpoint } from '@token-meter/core/adapter'
import { noEstimate } from '../endpoint/no-estimate.ts'

/** The endpoint of what comes with one event, and is read before its call is known. */
export function wholeEvent(name: string): Endpoint {
  return { name, read: () => [], ...noEstimate }
}
