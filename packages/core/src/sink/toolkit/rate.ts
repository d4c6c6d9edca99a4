import { sleep } from '../../lib/timing.ts'

/** How much may go at once after a quiet time. */
const burstMs = 100

/** How fast things may go. */
export interface RateOptions {
  readonly perSecond: number
  /** How much of that may be used now, above 0 and up to 1. @default all of it */
  readonly share?: () => number
  /** A clock in ms that never goes back. @default performance.now */
  readonly now?: () => number
}

/**
 * Resolves when so many may go; throws the reason when the signal is aborted before. After a quiet
 * time as many go at once as `atOnce` says, or as many as 100 ms see, if that is more.
 */
export type NextMoment = (signal: AbortSignal, count?: number, atOnce?: number) => Promise<void>

/** A token bucket: each call gets the next free moment. */
export function createRate({
  perSecond,
  share = () => 1,
  now = () => performance.now(),
}: RateOptions): NextMoment {
  let lastSlot = -Infinity
  return async (signal, count = 1, atOnce = 1) => {
    const intervalMs = 1000 / (perSecond * share())
    const headStartMs = Math.max(burstMs, intervalMs * atOnce)
    const moment = now()
    lastSlot = Math.max(lastSlot, moment - headStartMs) + intervalMs * count
    const waitMs = lastSlot - moment
    if (waitMs < 1) return
    signal.throwIfAborted()
    await sleep(waitMs, { signal, keepsAlive: true })
    signal.throwIfAborted()
  }
}
