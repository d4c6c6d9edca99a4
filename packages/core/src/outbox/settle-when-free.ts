import type { Batch } from '../sink/batch.ts'
import type { Outbox } from './outbox.ts'
import type { SinkResult } from '../sink/sink.ts'
import { sleep } from '../lib/timing.ts'
import { busyPauseMs, isBusy } from './busy.ts'

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
