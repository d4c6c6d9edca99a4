/** Resolves when the work has ended, however it ended, or after `ms`. It leaves no timer behind. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeIsUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1))
  })
  const ended = work.then(
    () => {},
    () => {},
  )
  await Promise.race([ended, timeIsUp])
  clearTimeout(timer)
}

/** A wait that does not keep the process alive; it ends early when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    ;(timer as { unref?: () => void }).unref?.()
    signal.addEventListener('abort', over)
  })
}
