/**
 * How long what failed is left alone:
 *
 * - a batch of which nothing was taken is sent again within the attempt (attempt.ts: p-retry waits);
 * - a record that is to come again waits in the outbox, for a back-off that grows with its attempts,
 *   and for as long as the backend asked (Retry-After), if that is longer;
 * - the sink pauses for as long as its backend asked, and for a back-off when batch after batch was
 *   refused as a whole.
 */
import type { BatchEntry } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import { isTakenByBackend } from './results.ts'

/** Waits before a retry, in ms. */
export interface Backoff {
  /** Upper bound of the first wait. */
  readonly baseMs: number
  /** Upper bound of any wait. */
  readonly maxMs: number
}

/** Further failures make no pause longer. */
const maxCounted = 30

/**
 * How long a sink is left alone. One batch that fails alone does not count, however often, nor what is
 * a record's own matter.
 */
export class SinkPause {
  readonly #backoff: Backoff
  /** Batches that failed since the last that did not. */
  readonly #failed = new Set<string>()
  /** Until when the backend asked not to be called, as `performance.now()`. */
  #askedUntil = 0
  /** Until when our own back-off waits. */
  #backoffUntil = 0

  constructor(backoff: Backoff) {
    this.#backoff = backoff
  }

  leftMs(): number {
    return Math.max(this.#askedUntil, this.#backoffUntil) - performance.now()
  }

  /** Ends the back-off; what the backend asked for still holds. */
  endBackoff(): void {
    this.#failed.clear()
    this.#backoffUntil = 0
  }

  note(batchId: string, results: readonly SinkResult[]): void {
    const isTaken = isTakenByBackend(results)
    if (isTaken === undefined) return
    if (isTaken) return this.#failed.clear()
    if (this.#failed.size < maxCounted) this.#failed.add(batchId)
    this.#askedUntil = performance.now() + askedMs(results)
    if (this.#failed.size > 1) {
      this.#backoffUntil = performance.now() + backoffMs(this.#failed.size, this.#backoff)
    }
  }
}

/** The result, with when the record comes again in it where it does. */
export function withRetryTime(
  result: SinkResult,
  entry: BatchEntry | undefined,
  backoff: Backoff,
): SinkResult {
  if (result.status !== 'retry') return result
  const ownMs = backoffMs(entry?.attempts ?? 0, backoff)
  return { ...result, afterMs: Math.max(result.afterMs ?? 0, ownMs) }
}

/** The longest that the backend asked for, of what is not one record's own matter. */
function askedMs(results: readonly SinkResult[]): number {
  let maxMs = 0
  for (const result of results) {
    if (result.status !== 'retry' || result.recordOnly === true) continue
    maxMs = Math.max(maxMs, result.afterMs ?? 0)
  }
  return maxMs
}

/**
 * Full jitter: anything from nothing to `base * 2^attempts`, so that workers that failed together
 * do not come back together.
 */
function backoffMs(attempts: number, { baseMs, maxMs }: Backoff): number {
  return Math.round(Math.random() * Math.min(maxMs, baseMs * 2 ** Math.min(attempts, 30)))
}
