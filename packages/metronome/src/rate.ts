/** How much may go at once after a quiet time, in ms of the rate. */
const burstMs = 100

/**
 * A token bucket: each call gets the next free moment for so many, and resolves when it has come.
 * @param now a clock in ms that never goes back.
 */
export function createRate(
  perSecond: number,
  now: () => number = () => performance.now(),
): (count: number, signal: AbortSignal) => Promise<void> {
  let lastSlot = -Infinity
  return async (count, signal) => {
    const lengthMs = (1000 / perSecond) * count
    const moment = now()
    lastSlot = Math.max(lastSlot, moment - Math.max(burstMs, lengthMs)) + lengthMs
    const waitMs = lastSlot - moment
    if (waitMs >= 1) await pause(waitMs, signal)
  }
}

/** @throws the signal's reason, at once when it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
    const giveUp = () => {
      end()
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      end()
      resolve()
    }, ms)
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
  })
}
