import type { ObservedCall } from '@token-meter/core/adapter'

/** How many jobs are remembered of each kind, so that memory stays bounded. */
const remembered = 10_000

/** Which jobs wait for their usage, with the calls that created them, and which are billed. */
export class JobMemory {
  readonly #pending = new Map<string, ObservedCall>()
  readonly #billed = new Set<string>()

  /** A job was created and is not finished. */
  created(id: string, call: ObservedCall): void {
    if (this.#billed.has(id)) return
    this.#pending.set(id, call)
    dropOldest(this.#pending)
  }

  /** The call that created a job and waits for its usage. */
  creatorOf(id: string): ObservedCall | undefined {
    return this.#pending.get(id)
  }

  isBilled(id: string): boolean {
    return this.#billed.has(id)
  }

  /** A job was seen finished, and is billed now or owes nothing. */
  settle(id: string): void {
    this.#pending.delete(id)
    this.#billed.add(id)
    dropOldest(this.#billed)
  }
}

function dropOldest(ids: Map<string, unknown> | Set<string>): void {
  const [oldest] = ids.keys()
  if (ids.size > remembered && oldest !== undefined) ids.delete(oldest)
}
