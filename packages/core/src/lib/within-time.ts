/**
 * Runs work with a signal that is aborted when its time is up or `stop` is. Its timer goes with the
 * work and keeps no process alive.
 */
export async function withinTime<Value>(
  ms: number,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController()
  const onStop = () => controller.abort(stop.reason)
  const onTimeout = () => controller.abort(new Error(`it did not answer within ${ms} ms`))
  const timer = setTimeout(onTimeout, Math.min(ms, 2 ** 31 - 1))
  ;(timer as { unref?: () => void }).unref?.()
  stop.addEventListener('abort', onStop)
  if (stop.aborted) onStop()
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}
