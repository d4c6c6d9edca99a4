const firstYear = Date.parse('0001-01-01T00:00:00Z')
const afterLastYear = Date.UTC(10_000, 0, 1)

/**
 * The time of an event. One that RFC 3339 cannot write would be left out of the event, and OpenMeter
 * would take the moment of its arrival.
 * @throws Error when `at` is no such time.
 */
export function eventTime(at: number): Date {
  if (at >= firstYear && at < afterLastYear) return new Date(at)
  throw new Error(`it is dated ${String(at)}, which is no time in ms since the epoch`)
}
