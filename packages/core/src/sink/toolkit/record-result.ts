import { joinedRefusal, type Refusal } from '../../errors/refusal.ts'
import type { SinkResult } from '../sink.ts'
import type { EventOutcome, EventRetry, SentEvent } from './event-outcome.ts'

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
  const deliveredEventIds = [...delivered, ...accepted.map(({ id }) => id)]
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
      ...(retries.every((retry) => retry.recordOnly) && { recordOnly: true as const }),
      deliveredEventIds,
    }
  }
  const refused = events.flatMap(({ id, outcome }) =>
    outcome.status === 'rejected' ? [{ ...outcome, id }] : [],
  )
  if (refused.length === 0) return { status: 'accepted' }
  const why = joinedRefusal(refused)
  return { status: 'rejected', reason: rejection(refused), ...why, deliveredEventIds }
}

/** An event of a record that was refused for good. */
export interface RefusedEvent extends Refusal {
  readonly id: string
  readonly reason: string
}

function reasonsOnce(refused: readonly RefusedEvent[]): string {
  return [...new Set(refused.map(({ reason }) => reason))].join('; ')
}

function isRetry(outcome: EventOutcome): outcome is EventRetry {
  return outcome.status === 'retry'
}
