import type { EventOutcome, EventRetry } from '@token-meter/core/sink'

/**
 * What became of one request with events.
 *
 * - `answered`: Lago names what it took.
 * - `judged`: Lago refused all because of some of them, and says what is wrong with each of those.
 * - `refused`: it refused all and does not say because of which.
 * - `failed`: nothing can be said about any of them now.
 */
export type RequestOutcome =
  | { readonly is: 'answered'; readonly ids: ReadonlySet<string> }
  | {
      readonly is: 'judged'
      /** By place in the request. */
      readonly verdicts: ReadonlyMap<number, EventOutcome>
      /** Some were there already; where that is found out on writing, others can have been written. */
      readonly othersMayBeStored: boolean
    }
  | { readonly is: 'refused'; readonly reason: string }
  | FailedRequest

export interface FailedRequest {
  readonly is: 'failed'
  readonly retry: EventRetry
  /** The cause is with these events alone, so that others can be sent meanwhile. */
  readonly isTheirs?: true
  /**
   * One of the events may be to blame: `refusal` for an answer that something before Lago may have
   * given because of what is in one, `crash` for a 500, which rather is an outage.
   */
  readonly suspect?: 'refusal' | 'crash'
}
