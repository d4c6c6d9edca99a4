import type { Refusal } from '@token-meter/core/sink'

/**
 * What became of one meter event.
 *
 * A retry says how far its cause reaches: `event` is this event's own bad luck, `outage` may be
 * everybody's, `account` surely is, so that nothing else need be tried now. And it says if the event
 * is `uncertain`: Stripe may have it.
 */
export type EventOutcome = { readonly status: 'accepted' } | EventRejection | EventRetry

export interface EventRejection extends Refusal {
  readonly status: 'rejected'
  readonly reason: string
  /** Stripe repeated the answer of an earlier request with the same idempotency key. */
  readonly isReplay?: true
}

export interface EventRetry {
  readonly status: 'retry'
  readonly reason: string
  readonly afterMs?: number | undefined
  readonly reach: 'event' | 'outage' | 'account'
  readonly uncertain?: true
  /** What Stripe has too much of: requests a second, or at a time. */
  readonly limit?: 'rate' | 'concurrency' | undefined
  /** Stripe repeated the answer of an earlier request with the same idempotency key. */
  readonly isReplay?: true
}

/** One event of a record and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}
