/**
 * One attempt at a batch. p-retry sends it up to three times, after waits that grow and are random:
 *
 *     send ──one result per record──> anything taken, or the backend says when ──> results
 *      ▲   ├─nothing taken, it does not say when─┐
 *      └───┴─the sink threw──────────────────────┴─> wait, while the claim lasts; then the outbox waits
 *
 * A wait ends with the signal, and keeps no process alive. When the backend says when (Retry-After), or
 * the claim is over, nothing is sent again from here: the records wait in the outbox (backoff.ts).
 */
import pRetry from 'p-retry'
import { messageOf } from '../errors/errors.ts'
import { abortable } from '../lib/timing.ts'
import type { Batch, BatchEntry } from '../sink/batch.ts'
import { reportsProgress } from '../sink/send-progress.ts'
import type { Sink } from '../sink/sink.ts'
import type { SinkResult } from '../sink/sink-result.ts'
import type { Backoff } from './backoff.ts'
import { type BatchProgress, LeaseOverError } from './batch-progress.ts'
import { checkedResults } from './results.ts'

export interface AttemptOptions {
  /** Between attempts; the waits within one are much shorter. */
  readonly backoff: Backoff
  readonly progress: BatchProgress
  readonly signal: AbortSignal
}

/** How long a sink may take to answer once it is told to stop, in ms. */
const abortGraceMs = 200

/** Every entry of a batch is to be retried and the backend did not say when: worth trying at once. */
class NothingAccepted extends Error {
  constructor() {
    super('nothing of the batch was accepted')
  }
}

/**
 * Sends a batch, again if the sink fails as a whole.
 * @returns one result per entry: what could not be sent is `retry`. Never throws.
 */
export async function attempt(
  sink: Sink,
  batch: Batch,
  { backoff, progress, signal }: AttemptOptions,
): Promise<readonly SinkResult[]> {
  const isOpen = ({ record }: BatchEntry) => progress.resultOf(record.id) === undefined
  const outcomes = new Outcomes(progress)
  /** A send ended without an answer: of a sink that reports nothing, all of it may have arrived. */
  let isUncertain = false
  /** The last send said what became of its records, which holds although the signal was aborted by then. */
  let isAnswered = false
  const send = async () => {
    progress.check()
    const entries = batch.entries.filter(isOpen)
    isAnswered = entries.length === 0
    if (isAnswered) return
    const wasUncertain = isUncertain
    isUncertain = !reportsProgress(sink)
    const resumed = entries.map((entry) => outcomes.resumed(entry, wasUncertain))
    const sending = sink.send({ ...batch, entries: resumed }, signal, progress)
    // A sink that ignores its signal must not hold its slot for ever; one that heeds it says at once
    // which records may have arrived, and which not.
    const answer = await abortable(sending, signal, abortGraceMs)
    const results = checkedResults(sink, answer, entries.length)
    isUncertain = wasUncertain
    entries.forEach(({ record }, index) => {
      const result = results[index]
      if (result !== undefined) outcomes.add(record.id, result, wasUncertain)
    })
    const isNothing = entries.every((entry) => {
      const result = outcomes.of(entry)
      return result?.status === 'retry' && result.afterMs === undefined
    })
    if (isNothing) throw new NothingAccepted()
    isAnswered = true
  }
  try {
    await pRetry(send, {
      retries: 2,
      factor: 2,
      minTimeout: backoff.baseMs / 10,
      maxTimeout: backoff.maxMs / 60,
      randomize: true,
      shouldRetry: ({ error }) => !(error instanceof LeaseOverError),
      signal,
      unref: true,
    })
  } catch (error) {
    if (!isAnswered && !(error instanceof NothingAccepted)) {
      const reason = signal.aborted
        ? `the sink "${sink.name}" was given up: ${messageOf(signal.reason)}`
        : messageOf(error)
      for (const { record } of batch.entries.filter(isOpen)) {
        outcomes.add(record.id, { status: 'retry', reason }, isUncertain)
      }
    }
  }
  return batch.entries.map((entry) => outcomes.of(entry) ?? notSent)
}

const notSent: SinkResult = { status: 'retry', reason: 'it was not sent' }

/** What became of the records of a batch, over the sends of one attempt. */
class Outcomes {
  readonly #progress: BatchProgress
  readonly #results = new Map<string, SinkResult>()
  readonly #startedAt = Date.now()

  constructor(progress: BatchProgress) {
    this.#progress = progress
  }

  of({ record }: BatchEntry): SinkResult | undefined {
    return this.#progress.resultOf(record.id) ?? this.#results.get(record.id)
  }

  /** A result, with what earlier sends of the same attempt left: events delivered, and uncertainty. */
  add(recordId: string, result: SinkResult, isUncertain: boolean): void {
    const before = this.#results.get(recordId)
    const arrived = this.#progress.arrivedOf(recordId)
    const deliveredEventIds = union(result.deliveredEventIds, before?.deliveredEventIds, arrived)
    if (result.status !== 'retry') {
      this.#results.set(recordId, { ...result, deliveredEventIds })
      return
    }
    const { uncertainEventIds: _, uncertainIn: __, uncertain: ___, ...rest } = result
    const inFlight = this.#progress.inFlightOf(recordId)
    const doubts: Uncertain[] = [before, result].filter((each) => isUncertainResult(each))
    if (inFlight !== undefined) {
      const { eventIds, sumId } = inFlight
      doubts.push({
        ...(eventIds !== undefined && { uncertainEventIds: eventIds }),
        ...(sumId !== undefined && { uncertainIn: sumId }),
      })
    }
    if (isUncertain) doubts.push({})
    this.#results.set(recordId, { ...rest, deliveredEventIds, ...joined(doubts) })
  }

  /** The entry for another send: what arrived is skipped, and what is uncertain is known to be. */
  resumed(entry: BatchEntry, isUncertain: boolean): BatchEntry {
    const { record, uncertainSince } = entry
    const known = this.#results.get(record.id)
    const arrived = this.#progress.arrivedOf(record.id)
    const deliveredEventIds = union(entry.deliveredEventIds, known?.deliveredEventIds, arrived)
    const doubts: Uncertain[] = isUncertainResult(known) ? [known] : []
    if (isUncertain) doubts.push({})
    if (doubts.length === 0) return { ...entry, deliveredEventIds }
    const before = uncertainSince === undefined ? [] : [entry]
    const { uncertainEventIds, uncertainIn } = joined([...before, ...doubts])
    const since = uncertainSince ?? this.#startedAt
    const { uncertainEventIds: _, ...rest } = entry
    return {
      ...rest,
      deliveredEventIds,
      uncertainSince: since,
      // It is not the first any more: what is uncertain is so since an attempt of ours. Of what was
      // uncertain before its first attempt it stays so.
      firstAttemptAt:
        entry.firstAttemptAt ?? (uncertainSince === undefined ? this.#startedAt : undefined),
      ...(uncertainEventIds !== undefined && { uncertainEventIds }),
      ...(uncertainIn !== undefined && { uncertainIn }),
    }
  }
}

interface Uncertain {
  readonly uncertainEventIds?: readonly string[]
  readonly uncertainIn?: string
}

/** Doubts as one: of all events where one of them is of all. */
function joined(doubts: readonly Uncertain[]): Uncertain & { readonly uncertain?: true } {
  if (doubts.length === 0) return {}
  const isAny = doubts.some(({ uncertainEventIds }) => uncertainEventIds === undefined)
  const uncertainEventIds = union(...doubts.map((doubt) => doubt.uncertainEventIds))
  const uncertainIn = doubts.findLast((doubt) => doubt.uncertainIn !== undefined)?.uncertainIn
  return {
    uncertain: true as const,
    ...(!isAny && { uncertainEventIds }),
    ...(uncertainIn !== undefined && { uncertainIn }),
  }
}

function isUncertainResult(
  result: SinkResult | undefined,
): result is Extract<SinkResult, { status: 'retry' }> {
  return result?.status === 'retry' && result.uncertain === true
}

function union(...lists: readonly (readonly string[] | undefined)[]): readonly string[] {
  return [...new Set(lists.flatMap((list) => list ?? []))]
}
