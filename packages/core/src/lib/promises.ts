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

/** Waits for a promise, or until a signal is aborted, whichever comes first. Rejects as the promise does. */
export async function unlessAborted(
  promise: Promise<unknown>,
  signal: AbortSignal | undefined | null,
): Promise<void> {
  if (signal === undefined || signal === null) return void (await promise)
  if (signal.aborted) return
  let stop: (() => void) | undefined
  const aborted = new Promise<void>((resolve) => (stop = resolve))
  const listener = (): void => stop?.()
  signal.addEventListener('abort', listener, { once: true })
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', listener)
  }
}
