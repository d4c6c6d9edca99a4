import type { FakeAnswer, FakeRequest } from '../http/fake-request.ts'
import type { IdempotencyKeys } from './idempotency-keys.ts'
import type { OpenApiCheck } from './openapi-check.ts'
import { invalid } from './stripe-answer.ts'

/** The answer that a key has already, or that a request of the wrong form gets. */
export function answerAtOnce(
  request: FakeRequest,
  keys: IdempotencyKeys,
  schema: OpenApiCheck | undefined,
): FakeAnswer | undefined {
  const given = keys.answer(request)
  if (given !== undefined) return given
  const problems = schema?.(request) ?? []
  return problems.length > 0 ? invalid(problems.join('; ')) : undefined
}
