import { untilAborted } from './until-aborted.ts'

/** How much may go at once after a quiet time. */
const burstMs = 100

/**
 * A token bucket: each call gets the next free moment for so many, and resolves when it has come.
 * @param share how much of the rate may be used now, above 0 and up to 1.
 * @param now a clock in ms that never goes back.
 */
export function createRate(
  perSecond: number,
  share: () => number,
  now: () => number,
): (signal: AbortSignal, count?: number) => Promise<void> {
  let lastSlot = -Infinity
  return async (signal, count = 1) => {
    const intervalMs = 1000 / (perSecond * share())
    const headStartMs = Math.max(burstMs, intervalMs)
    const moment = now()
    lastSlot = Math.max(lastSlot, moment - headStartMs) + intervalMs * count
    const waitMs = lastSlot - moment
    if (waitMs < 1) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const slot = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs)
    })
    await untilAborted(slot, signal).finally(() => clearTimeout(timer))
  }
}
