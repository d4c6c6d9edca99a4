/** What is read of a request as soon as its call begins: its body may be out of reach when the answer comes. */
import type { Call, Endpoint } from '../wire/endpoint.ts'

/** The model that a call names. */
export function requestedModelOf({ body }: Call): string | null {
  try {
    // Read once: behind a getter it may be for the SDK to read.
    const { model } = body
    return typeof model === 'string' ? model : null
  } catch {
    return null
  }
}

/** Whether the provider bills a call to an account of the customer's own. */
export function isLinked(call: Call, endpoint: Endpoint): boolean {
  try {
    return endpoint.isLinked?.(call) === true
  } catch {
    return false
  }
}
