import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import { refused } from './stripe-answer.ts'

/** Refuses a request without the right key, or whose key may not write meter events. */
export function refusedAccess(
  request: FakeRequest,
  apiKey: string,
  mayWriteMeterEvents: boolean,
): FakeAnswer | undefined {
  const key = String(request.headers.authorization ?? '').replace(/^Bearer /, '')
  if (key !== apiKey) {
    // Stripe masks most of the key; whole, it shows whether a client lets one through.
    return refused(401, {
      type: 'invalid_request_error',
      message: `Invalid API Key provided: ${key}`,
    })
  }
  if (mayWriteMeterEvents) return undefined
  return refused(403, {
    type: 'invalid_request_error',
    code: 'more_permissions_required',
    message: `The provided key '${key}' does not have the required permissions for this endpoint. Having the 'Billing meter events: Write' permission would allow this request to continue.`,
  })
}
