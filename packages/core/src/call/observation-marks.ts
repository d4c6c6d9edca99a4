// Process-wide, also across copies of this package: a response that one meter has recorded is not
// recorded again by another meter around it, or by a wrapper that hands the same object on.
const key = Symbol.for('token-meter.observed')
const shared = globalThis as { [key]?: WeakSet<object> }

/** True the first time it sees a response object or stream; what is not an object is always new. */
export function markObserved(response: unknown): boolean {
  if (response === null || typeof response !== 'object') return true
  const marks = (shared[key] ??= new WeakSet())
  if (marks.has(response)) return false
  marks.add(response)
  return true
}
