/**
 * Works with a signal that is aborted with the caller's and after `timeoutMs`, and waits no longer
 * than until then, whether the work heeds it or not.
 */
export async function withinTime<Value>(
  signal: AbortSignal,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted()
  // Of its own: `AbortSignal.any` would grow the caller's signal with every request.
  const controller = new AbortController()
  const ended = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error))
  })
  const stop = () => controller.abort(signal.reason)
  const timer = setTimeout(() => {
    controller.abort(new Error(`nothing came within ${timeoutMs} ms`))
  }, timeoutMs)
  signal.addEventListener('abort', stop)
  try {
    return await Promise.race([work(controller.signal), ended])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
