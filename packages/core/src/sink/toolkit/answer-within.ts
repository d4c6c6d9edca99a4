import { longestTimerMs } from '../../lib/longest-timer.ts'
import { onAbort } from './on-abort.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * Makes a request with a signal of its own, which is aborted with the caller's and after `timeoutMs`,
 * and waits no longer than until then, whether the request heeds it or not. Then it throws the
 * signal's reason.
 */
export async function answerWithin<Value>(
  timeoutMs: number,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted()
  // Of its own: an SDK leaves its listeners on the signal that it gets, `AbortSignal.any` grows its
  // sources with every request, and the caller's lives long.
  const controller = new AbortController()
  const stopListening = onAbort(signal, () => controller.abort(signal.reason))
  const onTimeout = () => controller.abort(new Error(`not within ${timeoutMs} ms`))
  const timer = setTimeout(onTimeout, Math.min(timeoutMs, longestTimerMs))
  try {
    return await untilAborted(request(controller.signal), controller.signal)
  } finally {
    clearTimeout(timer)
    stopListening()
  }
}
