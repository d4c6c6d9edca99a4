import type { SinkResult } from '@token-meter/core/adapter'
import type { EventOutcome, EventRetry } from './event-outcome.ts'

/** One event of a record and what became of it. */
export interface SentEvent {
  readonly id: string
  readonly outcome: EventOutcome
}

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
    // What is one event's own matter must hold up no other record.
    const recordOnly = retries.every(({ reach }) => reach === 'event') && {
      recordOnly: true as const,
    }
    const { reason } = first
    return { status: 'retry', reason, ...afterMs, ...uncertain, ...recordOnly, deliveredEventIds }
  }
  const typesByReason = new Map<string, string[]>()
  for (const { id, outcome } of events) {
    if (outcome.status !== 'rejected') continue
    const types = typesByReason.get(outcome.reason) ?? []
    typesByReason.set(outcome.reason, [...types, id.slice(id.lastIndexOf(':') + 1)])
  }
  if (typesByReason.size === 0) return { status: 'accepted' }
  const reasons = [...typesByReason].map(([reason, types]) => `${types.join(', ')}: ${reason}`)
  return { status: 'rejected', reason: reasons.join('; '), deliveredEventIds }
}

function isRetry(outcome: EventOutcome): outcome is EventRetry {
  return outcome.status === 'retry'
}
