/** The events that a backend counts, each once for as long as it knows it. */
export interface EventsOnce<Event> {
  /** In order of arrival, without what was ignored. */
  readonly events: readonly Event[]
  /** How many were ignored, because they were known. */
  readonly duplicates: number
  /** Keeps an event, or ignores it without a word. */
  add(event: Event, nowMs: number): void
}

/**
 * @param windowMs for how long an event that was kept is known.
 * @param keyOf what it is known by.
 */
export function createEventsOnce<Event>(
  windowMs: number,
  keyOf: (event: Event) => string,
): EventsOnce<Event> {
  const events: Event[] = []
  const keptAt = new Map<string, number>()
  let duplicates = 0
  return {
    events,
    get duplicates() {
      return duplicates
    },
    add: (event, nowMs) => {
      const key = keyOf(event)
      if (nowMs - (keptAt.get(key) ?? -Infinity) < windowMs) {
        duplicates += 1
        return
      }
      keptAt.set(key, nowMs)
      events.push(event)
    },
  }
}
