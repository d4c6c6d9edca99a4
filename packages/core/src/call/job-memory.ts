import type { ObservedCall } from './observed-call.ts'

/** How many jobs are remembered of each kind, so that memory stays bounded. */
const remembered = 10_000

/**
 * Work that goes on at a provider after it was asked for, by id. A job is pending from its creation
 * on, with the call whose customer pays, and billed once, by whichever answer shows it finished
 * first.
 */
export class JobMemory {
  readonly #pending = new Map<string, ObservedCall>()
  readonly #billed = new Set<string>()

  /** A job was created and is not finished. */
  created(id: string, call: ObservedCall): void {
    if (this.#billed.has(id) || this.#pending.has(id)) return
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

  /** A job was seen finished. Answers false when it had been before. */
  settle(id: string): boolean {
    this.#pending.delete(id)
    if (this.#billed.has(id)) return false
    this.#billed.add(id)
    dropOldest(this.#billed)
    return true
  }
}

function dropOldest(ids: Map<string, unknown> | Set<string>): void {
  const [oldest] = ids.keys()
  if (ids.size > remembered && oldest !== undefined) ids.delete(oldest)
}
