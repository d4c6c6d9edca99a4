import { jsonObject } from '@token-meter/core/adapter'

/**
 * The running totals of one response. Never summed: in each field the last value wins, and neither
 * a chunk without usage nor a field that is null takes away what was said before.
 */
export class RunningUsage {
  #latest: Readonly<Record<string, unknown>> | undefined

  /** Everything said so far; `undefined` before anything was. */
  get latest(): Readonly<Record<string, unknown>> | undefined {
    return this.#latest
  }

  /** Looks at a usage object; false when there is none. */
  see(usage: unknown): boolean {
    if (typeof usage !== 'object' || usage === null) return false
    const fields = jsonObject(usage)
    this.#latest = isCovered(this.#latest, fields) ? fields : merged(this.#latest, fields)
    return true
  }
}

/** True when the newer object says again whatever the older one said, as most chunks do. */
function isCovered(older: Readonly<Record<string, unknown>> = {}, newer: object): boolean {
  for (const name in older) {
    const value = (newer as Readonly<Record<string, unknown>>)[name]
    if (value === undefined || value === null) return false
  }
  return true
}

function merged(
  older: Readonly<Record<string, unknown>> = {},
  newer: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = { ...older }
  for (const name in newer) {
    if (fields[name] === undefined || (newer[name] !== null && newer[name] !== undefined))
      fields[name] = newer[name]
  }
  return fields
}
