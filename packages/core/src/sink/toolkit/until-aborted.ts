import { onAbort } from './on-abort.ts'

/**
 * Waits for work, but no longer than until the signal is aborted: then throws its reason, and the
 * work goes on by itself.
 */
export async function untilAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
): Promise<Value> {
  // Its own failure is of no interest to anybody once nobody waits.
  work.catch(() => {})
  signal.throwIfAborted()
  let stopListening = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(signal, () => reject(signal.reason as Error))
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    // One signal serves many requests: a listener left behind would live as long as it.
    stopListening()
  }
}
