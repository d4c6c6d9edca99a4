import { makeRetriable } from 'p-retry'
import { messageOf } from '../errors/message-of.ts'
import type { Batch } from '../outbox/outbox.ts'
import type { Sink, SinkResult } from '../sink/sink.ts'
import { pause } from './at-most.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import { checkedResults } from './checked-results.ts'

/** Sends again within one attempt, before the batch goes back to the outbox for later. */
const quickRetries = 2
/** How long a sink may take to answer once it is told to stop, in ms. */
const abortGraceMs = 200

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
  /** A send ended without an answer: all of it may have arrived. */
  let isUncertain = false
  const startedAt = Date.now()
  const send = makeRetriable(
    async () => {
      const wasUncertain = isUncertain
      isUncertain = true
      const answer = await untilAborted(
        sink.send(resumed(batch, known, wasUncertain, startedAt), signal),
        signal,
      )
      const results = checkedResults(sink, answer, batch.entries.length)
      isUncertain = wasUncertain
      known = withEarlier(results, known, wasUncertain)
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
    const reason = signal.aborted
      ? `the sink "${sink.name}" was given up: ${messageOf(signal.reason)}`
      : messageOf(error)
    return known.map((earlier) => ({
      status: 'retry',
      reason,
      deliveredEventIds: earlier.deliveredEventIds ?? [],
      ...((isUncertain || isUncertainResult(earlier)) && { uncertain: true }),
    }))
  }
}

/** The batch for another send: what arrived is skipped, and what is uncertain is known to be. */
function resumed(
  batch: Batch,
  known: readonly SinkResult[],
  isUncertain: boolean,
  startedAt: number,
): Batch {
  const since = (index: number): number | undefined =>
    isUncertain || isUncertainResult(known[index]) ? startedAt : undefined
  const entries = batch.entries.map((entry, index) => ({
    ...entry,
    deliveredEventIds: union(entry.deliveredEventIds, known[index]?.deliveredEventIds),
    uncertainSince: entry.uncertainSince ?? since(index),
    // It is not the first any more: what is uncertain is so since an attempt of ours.
    firstAttemptAt: entry.firstAttemptAt ?? startedAt,
  }))
  return { ...batch, entries }
}

/** Results with what earlier sends of the same attempt left: events delivered, and uncertainty. */
function withEarlier(
  results: readonly SinkResult[],
  earlier: readonly SinkResult[],
  wasUncertain: boolean,
): readonly SinkResult[] {
  return results.map((result, index) => {
    const before = earlier[index]
    const deliveredEventIds = union(result.deliveredEventIds, before?.deliveredEventIds)
    const uncertain = wasUncertain || isUncertainResult(before)
    return result.status === 'retry' && uncertain
      ? { ...result, deliveredEventIds, uncertain }
      : { ...result, deliveredEventIds }
  })
}

function isUncertainResult(result: SinkResult | undefined): boolean {
  return result?.status === 'retry' && result.uncertain === true
}

function union(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])]
}

/** A sink that ignores its signal must not hold its slot for ever. */
function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    let grace: ReturnType<typeof setTimeout> | undefined
    // A sink that heeds the signal says at once which records may have arrived, and which not.
    const onAbort = () => {
      grace = setTimeout(() => reject(signal.reason), abortGraceMs)
    }
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(grace)
        signal.removeEventListener('abort', onAbort)
      })
  })
}
