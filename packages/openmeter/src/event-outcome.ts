/** What became of one event. */
export type EventOutcome = { readonly status: 'accepted' } | Rejected | EventRetry

export interface Rejected {
  readonly status: 'rejected'
  readonly reason: string
}

export interface EventRetry {
  readonly status: 'retry'
  readonly reason: string
  readonly afterMs?: number | undefined
  /** OpenMeter may have it. */
  readonly uncertain?: true
}

/** One event and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}
