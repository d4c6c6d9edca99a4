/**
 * How many requests and tokens a key may use a minute, and how many requests may be under way.
 *
 * A rate is counted as GCRA does: what was used is a debt that goes down as time passes, by the limit a
 * minute, and a request is let in where it leaves the debt within the limit. So a minute's worth can be
 * used at once, and no more than the limit in the long run. A request's tokens are known when it is over:
 * they are added to the debt whatever it is by then, and the next one waits until it is below the limit.
 */
import type { EnteredRequest } from '../../caller.ts'
import { GatewayRefusal } from '../../refusal.ts'

/** What a key is held to. */
export interface KeyLimits {
  /** Of the key. */
  readonly id: string
  readonly requestsPerMinute: number | undefined
  readonly tokensPerMinute: number | undefined
  readonly parallelRequests: number | undefined
}

export interface Rates {
  /** @throws GatewayRefusal 429 beyond a limit; 503 where nobody can say. */
  enter(limits: KeyLimits): EnteredRequest | Promise<EnteredRequest>
  close(): Promise<void>
}

export type LimitName = 'requests_per_minute' | 'tokens_per_minute' | 'parallel_requests'

const words: Readonly<Record<LimitName, string>> = {
  requests_per_minute: 'requests a minute',
  tokens_per_minute: 'tokens a minute',
  parallel_requests: 'requests at a time',
}

/** After which a request is tried again that others are in the way of, in ms: nobody knows when they end. */
export const parallelRetryMs = 1_000

/** @param waitMs until when it would be let in, if nobody else is. */
export function rateRefusal(limit: LimitName, allowed: number, waitMs: number): GatewayRefusal {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000))
  const advice =
    limit === 'parallel_requests'
      ? 'wait until one of them is over'
      : `try again in ${seconds === 1 ? 'a second' : `${seconds} seconds`}`
  return new GatewayRefusal(
    429,
    'rate_limited',
    `This key may make ${allowed} ${words[limit]}, and has: ${advice}`.replace(
      'make',
      limit === 'tokens_per_minute' ? 'use' : 'make',
    ),
    { retryAfterMs: Math.ceil(waitMs), details: { limit, allowed } },
  )
}
