import type { Refusal } from '../../errors/refusal.ts'

/** What became of one event at a backend. */
export type EventOutcome = { readonly status: 'accepted' } | EventRejection | EventRetry

export interface EventRejection extends Refusal {
  readonly status: 'rejected'
  readonly reason: string
}

export interface EventRetry {
  readonly status: 'retry'
  readonly reason: string
  readonly afterMs?: number | undefined
  /** The backend may have it. */
  readonly uncertain?: true
  /** The cause is the event's own, so that others need not wait with it. */
  readonly recordOnly?: true
}

/** One event and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}
