/** What became of one event. */
export type EventOutcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'rejected'; readonly reason: string }
  | EventRetry

export interface EventRetry {
  readonly status: 'retry'
  readonly reason: string
  readonly afterMs?: number | undefined
  /** Lago may have the event. */
  readonly uncertain?: true
  /** The cause is the event's own, so that others need not wait with it. */
  readonly recordOnly?: true
}
