import type { DuplicateIdError, OutboxError } from '../errors/errors.ts'

export type OutboxFault = OutboxError | DuplicateIdError
type Listener = (error: OutboxFault) => void

/** Faults that belong to no call. What nobody has listened to yet is kept for the first who does. */
export class Faults {
  readonly #listeners = new Set<Listener>()
  readonly #unheard: OutboxFault[] = []

  report(error: OutboxFault): void {
    if (this.#listeners.size === 0) this.#unheard.push(error)
    for (const listener of this.#listeners) listener(error)
  }

  /** Answers how to take it back. */
  listen(listener: Listener): () => void {
    // An object of its own, so that the same function can listen twice.
    const own: Listener = (error) => listener(error)
    this.#listeners.add(own)
    for (const error of this.#unheard.splice(0)) listener(error)
    return () => void this.#listeners.delete(own)
  }
}
