import { isPlain } from '../lib/json.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * The usage of one response of which there are several, as running totals. Never summed: in each
 * field the last count wins, also a smaller one. A zero, a gap or what is no count is not knowledge
 * and takes away nothing that was said before.
 */
export class RunningUsage {
  #latest: Fields | undefined

  /** Everything said so far; `undefined` before anything was. */
  get latest(): Fields | undefined {
    return this.#latest
  }

  /** A count above 0 was said. */
  get isStated(): boolean {
    return isStated(this.#latest)
  }

  /** Looks at a usage object; false when there is none. */
  see(usage: unknown): boolean {
    if (!isPlain(usage)) return false
    const known = this.#latest
    this.#latest = known === undefined ? usage : laterUsage(known, usage)
    return true
  }
}

/** An earlier usage with a later one over it, where that says something. */
export function laterUsage(older: Fields, newer: Fields): Fields {
  // As most are: a copy of each would cost every chunk of a stream.
  if (covers(newer, older)) return newer
  const fields: Record<string, unknown> = { ...older }
  let isChanged = false
  for (const name in newer) {
    const known = older[name]
    const value = newer[name]
    if (isGap(value, known)) continue
    fields[name] = isPlain(known) && isPlain(value) ? laterUsage(known, value) : value
    if (typeof value === 'number' && !totals.has(name)) isChanged ||= value !== known
  }
  // A total that was not said again is that of other counts.
  for (const name of totals) {
    if (isChanged && fields[name] === older[name] && !newer[name]) delete fields[name]
  }
  return fields
}

/** True for what says nothing in place of something that is known. */
export function isGap(value: unknown, known: unknown): boolean {
  if (known === undefined || known === null) return false
  if (value === undefined || value === null) return true
  if (typeof known === 'object') return isStated(known) && !isStated(value)
  return isCount(known) && !isCount(value)
}

/**
 * True where a usage object holds a count above 0, however deep. Amounts and times, which some
 * servers give beside their zeros, are no counts.
 */
export function isStated(usage: unknown, depth = 0): boolean {
  if (typeof usage !== 'object' || usage === null) return isCount(usage)
  return depth < deepest && Object.values(usage).some((value) => isStated(value, depth + 1))
}

const totals: ReadonlySet<string> = new Set(['total_tokens', 'totalTokenCount', 'totalTokens'])
const deepest = 4

function isCount(value: unknown): boolean {
  if (typeof value === 'string') return /^\d{1,15}$/.test(value) && Number(value) > 0
  return typeof value === 'bigint' ? value > 0n : Number.isSafeInteger(value) && Number(value) > 0
}

/** True when the newer object says again whatever the older one said. */
function covers(newer: Fields, older: Fields): boolean {
  for (const name in older) {
    const known = older[name]
    const value = newer[name]
    if (isGap(value, known)) return false
    if (isPlain(known) && isPlain(value) && !covers(value, known)) return false
  }
  return true
}
