/** A value, or a promise of one: what a store that may be remote returns. */
export type Awaitable<Value> = Value | Promise<Value>

/**
 * Handles the rejection of what a function of the application returned, so that one that should not
 * have been async ends no process.
 * @returns whether it is a promise, or anything else with a `then`.
 */
export function handleRejection(
  returned: unknown,
  onRejected: (cause: unknown) => void = () => {},
): boolean {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return false
  if (typeof returned.then !== 'function') return false
  ;(returned as PromiseLike<unknown>).then(undefined, onRejected)
  return true
}
