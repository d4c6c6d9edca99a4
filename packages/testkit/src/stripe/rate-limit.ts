import { refused, usualRefusal, type StripeAnswer } from './stripe-answer.ts'

/** Refuses what is over a number of requests in the past second. */
export function createRateLimit(
  requestsPerSecond: number,
): (now: number) => StripeAnswer | undefined {
  let recent: number[] = []
  return (now) => {
    if (requestsPerSecond === Infinity) return undefined
    recent = recent.filter((time) => time > now - 1000)
    if (recent.length < requestsPerSecond) {
      recent.push(now)
      return undefined
    }
    return refused(429, usualRefusal(429), { 'stripe-rate-limited-reason': 'endpoint-rate' })
  }
}
