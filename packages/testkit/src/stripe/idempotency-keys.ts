import { refused } from './stripe-answer.ts'
import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'

const windowMs = 24 * 60 * 60_000

/**
 * Answers that were given, by `Idempotency-Key`. Of v2 those of requests that took effect; of v1 also
 * refusals, but for those of a request's form.
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export interface IdempotencyKeys {
  /** The answer that the key calls for; `undefined` when the request is to be processed. */
  answer(request: FakeRequest): FakeAnswer | undefined
  keep(request: FakeRequest, answer: FakeAnswer): void
}

export function createIdempotencyKeys(): IdempotencyKeys {
  const kept = new Map<string, { rawBody: string; path: string; at: number; answer: FakeAnswer }>()
  return {
    answer: (request) => {
      const key = keyOf(request)
      if (key === undefined) return undefined
      if (key === '' || key.length > 255) {
        return refused(400, { ...mismatch, message: 'Idempotency keys have 1 to 255 characters.' })
      }
      const first = kept.get(key)
      if (first === undefined || request.at - first.at >= windowMs) return undefined
      if (first.rawBody !== request.rawBody || first.path !== request.path) {
        const message = `Keys for idempotent requests can only be used with the same parameters they were first used with (${key}).`
        return refused(400, { ...mismatch, message })
      }
      return {
        ...first.answer,
        headers: { ...first.answer.headers, 'idempotent-replayed': 'true' },
      }
    },
    keep: (request, answer) => {
      const { rawBody, path, at } = request
      const key = keyOf(request)
      if (key !== undefined) kept.set(key, { rawBody, path, at, answer })
    },
  }
}

const mismatch = { type: 'idempotency_error', code: 'idempotency_error' }

function keyOf(request: FakeRequest): string | undefined {
  return request.headers['idempotency-key'] as string | undefined
}
