import type { SinkResult } from '@token-meter/core/adapter'
import type { EventOutcome, EventRetry, SentEvent } from './event-outcome.ts'

/**
 * The result of a record from those of its events. While anything can still arrive it is a retry,
 * so that a refused event does not take the others with it; the longest wait holds, and one event
 * that may have arrived makes the record uncertain.
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
    const afterMs = waits.length > 0 ? { afterMs: Math.max(...waits) } : {}
    const uncertain = retries.some((retry) => retry.uncertain) ? { uncertain: true as const } : {}
    return { status: 'retry', reason: first.reason, ...afterMs, ...uncertain, deliveredEventIds }
  }
  const reasons = new Set(
    events.flatMap(({ outcome }) => (outcome.status === 'rejected' ? [outcome.reason] : [])),
  )
  if (reasons.size === 0) return { status: 'accepted' }
  return { status: 'rejected', reason: [...reasons].join('; '), deliveredEventIds }
}

function isRetry(outcome: EventOutcome): outcome is EventRetry {
  return outcome.status === 'retry'
}
