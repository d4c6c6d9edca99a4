import type { FakeAnswer } from '../http/fake-request.ts'
import { refused } from './lago-answer.ts'

/**
 * Refuses what is over a number of requests in one second, by the clock's seconds.
 * @see https://getlago.com/docs/api-reference/rate-limits
 */
export function createLagoRateLimit(perSecond: number): (nowMs: number) => FakeAnswer | undefined {
  let second = 0
  let count = 0
  return (nowMs) => {
    const current = Math.floor(nowMs / 1000)
    count = current === second ? count + 1 : 1
    second = current
    if (count <= perSecond) return undefined
    return refused(429, 'too_many_requests', {
      'x-ratelimit-limit': String(perSecond),
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': '1',
    })
  }
}
