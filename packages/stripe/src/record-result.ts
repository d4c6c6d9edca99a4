import { recordResult, type RefusedEvent, type SinkResult } from '@token-meter/core/sink'
import type { SentEvent } from './event-outcome.ts'

/**
 * The result of a record from those of its events. What is one event's own matter holds up no other
 * record, and what events were refused for is said with their token types.
 */
export function stripeRecordResult(
  delivered: readonly string[],
  events: readonly SentEvent[],
): SinkResult {
  return recordResult(delivered, events.map(withReach), reasonsByType)
}

function withReach({ id, outcome }: SentEvent) {
  const isOwn = outcome.status === 'retry' && outcome.reach === 'event'
  return { id, outcome: isOwn ? { ...outcome, recordOnly: true as const } : outcome }
}

function reasonsByType(refused: readonly RefusedEvent[]): string {
  const byReason = Map.groupBy(refused, ({ reason }) => reason)
  const texts = [...byReason].map(([reason, events]) => {
    const types = events.map(({ id }) => id.slice(id.lastIndexOf(':') + 1))
    return `${types.join(', ')}: ${reason}`
  })
  return texts.join('; ')
}
