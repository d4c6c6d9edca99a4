import { makeRetriable } from 'p-retry'
import type { Batch } from '../outbox/outbox.ts'
import type { Sink, SinkResult } from '../sink/sink.ts'
import { type Backoff, backoffMs } from './backoff.ts'

/** Sends again within one attempt, before the batch goes back to the outbox for later. */
const quickRetries = 2

/** Every entry of a batch is to be retried and the backend did not say when: worth trying at once. */
class NothingAccepted extends Error {
  readonly results: readonly SinkResult[]
  constructor(results: readonly SinkResult[]) {
    super('nothing of the batch was accepted')
    this.results = results
  }
}

/**
 * Sends a batch, a few times if the sink fails as a whole, and answers one result per entry.
 * Never throws: what could not be sent is `retry`.
 */
export async function attempt(
  sink: Sink,
  batch: Batch,
  backoff: Backoff,
  signal: AbortSignal,
): Promise<readonly SinkResult[]> {
  const quickBackoff = { baseMs: backoff.baseMs / 10, maxMs: backoff.maxMs / 60 }
  let known: readonly SinkResult[] = batch.entries.map(() => ({ status: 'accepted' }))
  const send = makeRetriable(
    async () => {
      const results = await sink.send(withDelivered(batch, known), signal)
      if (results.length !== batch.entries.length) {
        throw new Error(
          `the sink "${sink.name}" answered ${results.length} results for ${batch.entries.length} records; it must answer one per record, in order`,
        )
      }
      known = withDeliveredOf(results, known)
      if (known.every((result) => result.status === 'retry' && result.afterMs === undefined)) {
        throw new NothingAccepted(known)
      }
      return known
    },
    {
      retries: quickRetries,
      minTimeout: 0,
      signal,
      onFailedAttempt: ({ attemptNumber, retriesLeft }) =>
        retriesLeft > 0 ? pause(backoffMs(attemptNumber, quickBackoff), signal) : undefined,
    },
  )
  try {
    return await send()
  } catch (error) {
    if (error instanceof NothingAccepted) return error.results
    const reason = error instanceof Error ? error.message : String(error)
    return known.map(({ deliveredEventIds = [] }) => ({
      status: 'retry',
      reason,
      deliveredEventIds,
    }))
  }
}

function withDelivered(batch: Batch, known: readonly SinkResult[]): Batch {
  const entries = batch.entries.map((entry, index) => ({
    ...entry,
    deliveredEventIds: union(entry.deliveredEventIds, known[index]?.deliveredEventIds),
  }))
  return { ...batch, entries }
}

function withDeliveredOf(
  results: readonly SinkResult[],
  earlier: readonly SinkResult[],
): readonly SinkResult[] {
  return results.map((result, index) => ({
    ...result,
    deliveredEventIds: union(result.deliveredEventIds, earlier[index]?.deliveredEventIds),
  }))
}

function union(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])]
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    ;(timer as { unref?: () => void }).unref?.()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
