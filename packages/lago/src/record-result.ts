import type { SinkResult } from '@token-meter/core/adapter'
import type { EventOutcome, EventRetry } from './event-outcome.ts'

/** One event of a record and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}

/**
 * The result of a record from those of its events. While anything can still arrive it is a retry;
 * the longest wait holds, and one event that may have arrived makes the record uncertain.
 */
export function recordResult(
  delivered: readonly string[],
  events: readonly SentEvent[],
): SinkResult {
  const accepted = events.filter(({ outcome }) => outcome.status === 'accepted')
  const deliveredEventIds = [...delivered, ...accepted.map(({ id }) => id)]
  const retries = events.map(({ outcome }) => outcome).filter(isRetry)
  const [first] = retries
  if (first !== undefined) {
    const waits = retries.flatMap(({ afterMs }) => (afterMs === undefined ? [] : [afterMs]))
    return {
      status: 'retry',
      reason: first.reason,
      ...(waits.length > 0 && { afterMs: Math.max(...waits) }),
      ...(retries.some((retry) => retry.uncertain) && { uncertain: true as const }),
      ...(retries.every((retry) => retry.recordOnly) && { recordOnly: true as const }),
      deliveredEventIds,
    }
  }
  const reasons = events.flatMap(({ outcome }) =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  )
  if (reasons.length === 0) return { status: 'accepted' }
  return { status: 'rejected', reason: [...new Set(reasons)].join('; '), deliveredEventIds }
}

function isRetry(outcome: EventOutcome): outcome is EventRetry {
  return outcome.status === 'retry'
}
