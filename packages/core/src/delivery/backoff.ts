/** Waits before a retry, in ms. */
export interface Backoff {
  /** Upper bound of the first wait. */
  readonly baseMs: number
  /** Upper bound of any wait. */
  readonly maxMs: number
}

/**
 * Full jitter: anything from nothing to `base * 2^attempts`, so that workers that failed together
 * do not come back together.
 */
export function backoffMs(attempts: number, { baseMs, maxMs }: Backoff): number {
  return Math.round(Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempts, 30)))
}
