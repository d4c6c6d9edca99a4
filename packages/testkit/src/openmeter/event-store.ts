import type { IngestedEvent } from './ingested-event.ts'

/** The events that OpenMeter counts. */
export interface EventStore {
  /** In order of arrival, without duplicates. */
  readonly events: readonly IngestedEvent[]
  /** How many events came that were known already. */
  readonly duplicates: number
  /** Keeps an event, unless one with the same source and id came within the window. */
  add(event: IngestedEvent, nowMs: number): void
}

export function createEventStore(duplicateWindowMs: number): EventStore {
  const events: IngestedEvent[] = []
  const expiresAt = new Map<string, number>()
  let duplicates = 0
  return {
    events,
    get duplicates() {
      return duplicates
    },
    add: (event, nowMs) => {
      const key = JSON.stringify([event.source, event.id])
      if ((expiresAt.get(key) ?? -Infinity) > nowMs) {
        duplicates += 1
        return
      }
      expiresAt.set(key, nowMs + duplicateWindowMs)
      events.push(event)
    },
  }
}
