/** What a receiver has got. */
export interface Tally {
  readonly requests: number
  readonly events: number
  /** Events whose identifier it had already. */
  readonly duplicates: number
}

let requests = 0
let events = 0
const identifiers = new Set<string>()

/** Counts the identifiers in a body, which stand between these two texts. */
export function countEvents(body: string, before: string, after: string): void {
  requests++
  for (let found = body.indexOf(before); found !== -1; found = body.indexOf(before, found)) {
    const start = found + before.length
    found = body.indexOf(after, start)
    identifiers.add(body.slice(start, found))
    events++
  }
}

/** @param andForget makes the next tally begin at 0. */
export function tally(andForget: boolean): Tally {
  const now = { requests, events, duplicates: events - identifiers.size }
  if (andForget) {
    requests = events = 0
    identifiers.clear()
  }
  return now
}
