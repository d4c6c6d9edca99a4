import type { FakeAnswer } from '../http/fake-request.ts'
import { refused, usualRefusal } from './stripe-answer.ts'

/** Refuses what is over a number in the past second; `cost` is how many it is. */
export function createRateLimit(
  perSecond: number,
  reason: string,
): (now: number, cost?: number) => FakeAnswer | undefined {
  let recent: { readonly at: number; readonly cost: number }[] = []
  return (at, cost = 1) => {
    if (perSecond === Infinity) return undefined
    recent = recent.filter((request) => request.at > at - 1000)
    if (recent.reduce((sum, request) => sum + request.cost, cost) <= perSecond) {
      recent.push({ at, cost })
      return undefined
    }
    return rateLimited(reason)
  }
}

export function rateLimited(reason: string): FakeAnswer {
  return refused(429, usualRefusal(429), { 'stripe-rate-limited-reason': reason })
}
