import { type DuplicateIdError, OutboxError } from '../errors/errors.ts'

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

  /** Returns how to take it back. */
  listen(listener: Listener): () => void {
    // An object of its own, so that the same function can listen twice.
    const own: Listener = (error) => listener(error)
    this.#listeners.add(own)
    for (const error of this.#unheard.splice(0)) listener(error)
    return () => void this.#listeners.delete(own)
  }
}

/** What is told when a store finds that it is not the one that it was. */
export function copyFound(found: {
  /** `outbox usage.db`, `outbox postgres ...` */
  readonly outbox: string
  readonly sinceMs: number
  readonly count: number
}): OutboxError {
  const { outbox, sinceMs, count } = found
  const since = new Date(sinceMs).toISOString()
  return new OutboxError(
    `The ${outbox} is a copy, or was restored from a backup, last used at ${since}: the original may ` +
      `have delivered ${count} ${count === 1 ? 'record that waits' : 'records that wait'} here. They ` +
      'are sent as usual while their backend still tells duplicates (Stripe: for 23 hours from then), ' +
      'and become dead letters after that: compare those with the backend (reconcileUsage for Stripe), ' +
      'then outbox.requeue what it does not have.',
  )
}
