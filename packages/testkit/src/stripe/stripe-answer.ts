import type { FakeAnswer } from '../http/fake-request.ts'

/** The body that Stripe's errors have. v2 leaves `type` out of most, v1 leaves `code` out. */
export interface StripeRefusal {
  readonly code?: string
  readonly type?: string
  readonly message: string
}

export function refused(
  status: number,
  error: StripeRefusal,
  headers: Readonly<Record<string, string>> = {},
): FakeAnswer {
  return { status, headers, body: { error } }
}

/** Refuses a request that is not as it must be. */
export function invalid(message: string): FakeAnswer {
  return refused(400, { type: 'invalid_request_error', message })
}

/** What Stripe says with a status, where a test asked for nothing in particular. */
export function usualRefusal(status: number): StripeRefusal {
  if (status === 429)
    return { type: 'rate_limit', code: 'rate_limit', message: 'Too many requests.' }
  if (status === 409) return tooManyConcurrent
  if (status >= 500) return { type: 'api_error', message: 'An error occurred with Stripe.' }
  return { type: 'invalid_request_error', message: `Refused with status ${status}.` }
}

export const tooManyConcurrent: StripeRefusal = {
  code: 'too_many_concurrent_requests',
  message: 'Too many concurrent requests for this customer and meter. Retry the request.',
}
