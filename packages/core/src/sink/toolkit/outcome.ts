import { joinedRefusal, type Refusal } from '../../errors/refusal.ts'
import type { SinkResult } from '../sink-result.ts'

/**
 * What became of one event, or of all events of a request: every sink that sends events says it this
 * way, from the answer of its backend up to the result of the record.
 */
export type EventOutcome = { readonly status: 'accepted' } | EventRejection | EventRetry

/** The backend judged it and refused it; of a request with several events, one of them may be to blame. */
export interface EventRejection extends Refusal {
  readonly status: 'rejected'
  readonly reason: string
}

/** It is to be sent again. */
export interface EventRetry {
  readonly status: 'retry'
  readonly reason: string
  /**
   * How far the cause reaches. `event`: it is the event's own, so that nothing else need wait with it.
   * `backend`: the backend failed, or the way to it, which may be everybody's. `account`: it surely is
   * everybody's (a key, an address, a limit), so that nothing else need be tried now.
   */
  readonly scope: 'event' | 'backend' | 'account'
  /** How long the backend asks to be left alone, in ms. */
  readonly afterMs?: number | undefined
  /** The backend may have it. Absent, it certainly has not. */
  readonly uncertain?: true
  /** What the backend has too much of: requests a second, or at a time. */
  readonly limit?: 'rate' | 'concurrency'
  /**
   * One of several events may be to blame. `refusal`: something on the way refused the request, perhaps
   * for what is in one of them. `crash`: the backend failed, which is an outage unless it goes on.
   */
  readonly suspect?: 'refusal' | 'crash'
}

/** An answer that tells the events of its request apart. */
export interface JudgedEvents {
  readonly status: 'judged'
  /** By place in the request; the others are sent again, without these. */
  readonly outcomes: ReadonlyMap<number, EventOutcome>
  /** The backend may have the others all the same. */
  readonly othersUncertain?: true
  /** Judged without a request: it says nothing of the backend. */
  readonly unsent?: true
}

/** One event and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}

/** An event of a record that was refused for good. */
export interface RefusedEvent extends Refusal {
  readonly id: string
  readonly reason: string
}

/**
 * The result of a record from those of its events. While anything can still arrive it is a retry,
 * so that a refused event does not take the others with it; the longest wait holds, one event that
 * may have arrived makes the record uncertain, and only what is every event's own matter is the
 * record's.
 * @param delivered ids of events that arrived before.
 * @param rejection says why, of events that were refused for good; by default each reason once.
 */
export function recordResult(
  delivered: readonly string[],
  events: readonly SentEvent[],
  rejection: (refused: readonly RefusedEvent[]) => string = reasonsOnce,
): SinkResult {
  const accepted = events.filter(({ outcome }) => outcome.status === 'accepted')
  const ids = [...delivered, ...accepted.map(({ id }) => id)]
  // A record that is one event, which did not arrive, has nothing to say of others.
  const deliveredEventIds =
    ids.length > 0 || events.length > 1 ? { deliveredEventIds: ids } : undefined
  const retries = events.map(({ outcome }) => outcome).filter(isRetry)
  const [first] = retries
  if (first !== undefined) {
    const uncertain = events.flatMap(({ id, outcome }) =>
      outcome.status === 'retry' && outcome.uncertain ? [id] : [],
    )
    const waits = retries.flatMap(({ afterMs }) => (afterMs === undefined ? [] : [afterMs]))
    return {
      status: 'retry',
      reason: first.reason,
      ...(waits.length > 0 && { afterMs: Math.max(...waits) }),
      ...(uncertain.length > 0 && { uncertain: true as const, uncertainEventIds: uncertain }),
      ...(retries.every(({ scope }) => scope === 'event') && { recordOnly: true as const }),
      ...deliveredEventIds,
    }
  }
  const refused = events.flatMap(({ id, outcome }) =>
    outcome.status === 'rejected' ? [{ ...outcome, id }] : [],
  )
  if (refused.length === 0) return { status: 'accepted' }
  const why = joinedRefusal(refused)
  return { status: 'rejected', reason: rejection(refused), ...why, ...deliveredEventIds }
}

function reasonsOnce(refused: readonly RefusedEvent[]): string {
  return [...new Set(refused.map(({ reason }) => reason))].join('; ')
}

function isRetry(outcome: EventOutcome): outcome is EventRetry {
  return outcome.status === 'retry'
}
