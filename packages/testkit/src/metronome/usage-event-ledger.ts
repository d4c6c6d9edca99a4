import type { UsageEvent } from './usage-event.ts'

/** For how long a transaction id that was accepted is known. */
const duplicateWindowMs = 34 * 24 * 60 * 60_000

/** The events that were accepted. */
export interface UsageEventLedger {
  /** Everything accepted, in order of arrival, without what was ignored as a duplicate. */
  readonly events: readonly UsageEvent[]
  /** How many were ignored, as their transaction id was known. */
  readonly duplicates: number
  /** Takes an event, or ignores it without a word. */
  add(event: UsageEvent, nowMs: number): void
}

export function createUsageEventLedger(): UsageEventLedger {
  const events: UsageEvent[] = []
  const acceptedAt = new Map<string, number>()
  let duplicates = 0
  return {
    events,
    get duplicates() {
      return duplicates
    },
    add: (event, nowMs) => {
      const before = acceptedAt.get(event.transaction_id) ?? -Infinity
      if (nowMs - before < duplicateWindowMs) {
        duplicates += 1
        return
      }
      acceptedAt.set(event.transaction_id, nowMs)
      events.push(event)
    },
  }
}
