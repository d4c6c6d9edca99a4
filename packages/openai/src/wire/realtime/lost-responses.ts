import type { SocketCall } from './account.ts'

/**
 * How long it is waited for that a lost session or call is taken up again, in ms. Longer than a
 * minute, so that by then who has taken it up elsewhere has billed the minute it was lost in.
 */
export const holdMs = 90_000

const remembered = 10_000

/** Ids that were seen lately, so many that none comes twice, and bounded. */
export class RecentIds {
  readonly #ids = new Set<string>()

  /** True for an id that it is given for the first time; what is no id is always new. */
  isNew(id: unknown): boolean {
    if (typeof id !== 'string' || id === '') return true
    if (this.#ids.has(id)) return false
    this.#ids.add(id)
    const [oldest] = this.#ids
    if (this.#ids.size > remembered && oldest !== undefined) this.#ids.delete(oldest)
    return true
  }

  has(id: unknown): boolean {
    return typeof id === 'string' && this.#ids.has(id)
  }
}

// Of the process: the connection that brings the usage is not the one that was lost.
const held = new Map<string, HeldEstimate>()
const exact = new RecentIds()
const estimated = new RecentIds()

interface HeldEstimate {
  readonly outputTokens: number
  drop(): void
}

/**
 * A response was cut off that another connection may still see to its end. Its estimate is held;
 * then it is
 *
 * - dropped, if the exact usage comes in time, or came before;
 * - written, under an id of its own, which is not the one that an exact record has or gets in
 *   another process. Exact usage that this process sees later bills nothing beside it.
 *
 * Of several connections that lose it, the one that saw most counts.
 *
 * @param key what the response is called on every connection.
 */
export function holdEstimate(
  key: string,
  call: SocketCall,
  outputTokens: number,
  write: () => void,
): void {
  const before = held.get(key)
  const isKnown = exact.has(key) || estimated.has(key)
  if (isKnown || (before !== undefined && before.outputTokens >= outputTokens)) {
    return call.dismiss()
  }
  before?.drop()
  const release = call.defer(() => {
    held.delete(key)
    estimated.isNew(key)
    write()
  }, holdMs)
  held.set(key, {
    outputTokens,
    drop() {
      held.delete(key)
      release()
      call.dismiss()
    },
  })
}

/** The exact usage of a response has come. Returns false when its estimate is billed already. */
export function exactCame(key: string): boolean {
  held.get(key)?.drop()
  if (estimated.has(key)) return false
  exact.isNew(key)
  return true
}
