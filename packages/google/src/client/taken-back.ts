import type { Method } from './observed-api-client.ts'

/** What a metered client shows, with the client's own function that it shows it for. */
const originals = new WeakMap<object, Method>()

/** Remembers for which of the client's own functions an observed one stands in. */
export function standIn<Observed extends Method>(observed: Observed, original: Method): Observed {
  originals.set(observed, original)
  return observed
}

/**
 * What is to be written to the client where the application writes a function that it had from the
 * metered client, as a spy does that puts back what it found: the client's own stays in the client.
 */
export function takenBack(value: unknown): unknown {
  return typeof value === 'function' ? (originals.get(value) ?? value) : value
}
