import { untilAborted } from './until-aborted.ts'

/** How much may go at once after a quiet time. */
const burstMs = 100

/**
 * A token bucket: each call gets the next free moment, and resolves when it has come.
 * @param now a clock in ms that never goes back.
 */
export function createRequestRate(
  requestsPerSecond: number,
  now: () => number = () => performance.now(),
): (signal: AbortSignal) => Promise<void> {
  const intervalMs = 1000 / requestsPerSecond
  const headStartMs = Math.max(burstMs, intervalMs)
  let lastSlot = -Infinity
  return async (signal) => {
    const moment = now()
    lastSlot = Math.max(lastSlot, moment - headStartMs) + intervalMs
    const waitMs = lastSlot - moment
    if (waitMs < 1) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const slot = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs)
    })
    await untilAborted(slot, signal).finally(() => clearTimeout(timer))
  }
}
