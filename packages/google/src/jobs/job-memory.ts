import type { ObservedCall } from '@token-meter/core/adapter'

/** How many jobs are remembered of each kind, so that memory stays bounded. */
const remembered = 10_000

/**
 * Work that goes on at Google after it was asked for: background interactions, videos, batches and
 * their output files. A job is pending from its creation on, with the call whose customer pays, and
 * billed once, by whichever answer shows it finished first.
 */
export class JobMemory {
  readonly #pending = new Map<string, ObservedCall>()
  readonly #billed = new Set<string>()

  /** A job was created and is not finished. */
  created(name: string, call: ObservedCall): void {
    if (this.#billed.has(name) || this.#pending.has(name)) return
    this.#pending.set(name, call)
    dropOldest(this.#pending)
  }

  /** The call that created a job and waits for its usage. */
  creatorOf(name: string): ObservedCall | undefined {
    return this.#pending.get(name)
  }

  isBilled(name: string): boolean {
    return this.#billed.has(name)
  }

  /** A job was seen finished. Answers false when it had been before. */
  settle(name: string): boolean {
    this.#pending.delete(name)
    if (this.#billed.has(name)) return false
    this.#billed.add(name)
    dropOldest(this.#billed)
    return true
  }
}

function dropOldest(names: Map<string, unknown> | Set<string>): void {
  const [oldest] = names.keys()
  if (names.size > remembered && oldest !== undefined) names.delete(oldest)
}
