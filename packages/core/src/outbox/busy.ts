import { sleep } from '../lib/timing.ts'
import type { Batch } from '../sink/batch.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import type { Outbox } from './outbox.ts'

/** How long an outbox may be busy before that is worth a report, in ms. */
const quietMs = 30_000

/**
 * True for an error by which an outbox says that another process is using it just now. It has
 * `busy: true`; nothing is wrong, and the same call can succeed in a moment.
 */
export function isBusy(error: unknown): boolean {
  return (error as { busy?: unknown } | null | undefined)?.busy === true
}

/** A wait before an outbox that was busy is tried again; random, so that processes take turns. */
export function busyPauseMs(): number {
  return 100 + Math.random() * 200
}

/** Tells an outbox that is busy for a moment from one that somebody has locked for good. */
export class BusyTime {
  #reportAt: number | undefined

  over(): void {
    this.#reportAt = undefined
  }

  /** True for every other error, and each time that the outbox was busy for long. */
  isWorthReporting(error: unknown): boolean {
    if (!isBusy(error)) return true
    const now = performance.now()
    this.#reportAt ??= now + quietMs
    if (now < this.#reportAt) return false
    this.#reportAt = now + quietMs
    return true
  }
}

/**
 * Settles a batch, and waits for a busy outbox as long as the lease lasts: results that are lost
 * are sent again.
 * @throws what the outbox throws in the end.
 */
export async function settleWhenFree(
  outbox: Outbox,
  batch: Batch,
  results: readonly SinkResult[],
  { atMostMs, signal }: { readonly atMostMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const deadline = performance.now() + atMostMs
  for (;;) {
    try {
      return await outbox.settle(batch, results)
    } catch (cause) {
      if (!isBusy(cause) || signal.aborted || performance.now() > deadline) throw cause
    }
    await sleep(busyPauseMs(), { signal })
  }
}
