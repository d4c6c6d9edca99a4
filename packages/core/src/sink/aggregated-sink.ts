import { ConfigError } from '../errors/config-error.ts'
import { messageOf } from '../errors/message-of.ts'
import type { Batch, BatchEntry } from '../outbox/outbox.ts'
import { deriveRecordId } from '../usage/record-id.ts'
import { type Aggregate, aggregatesOf, eventsOfMember, mostMembers } from './aggregates.ts'
import { functionSink, type SinkFunction } from './function-sink.ts'
import type { Sink, SinkResult } from './sink.ts'

export interface AggregationOptions {
  /**
   * Only what was used in the same window is summed, in ms. The sum is dated like the latest record
   * in it, so no usage is dated later by more than this. @default 60000
   */
  readonly windowMs?: number
  /**
   * How long a record waits for others to be summed with, in ms, as in `Sink`. `flush()` and
   * `close()` do not wait. @default 10000
   */
  readonly lingerMs?: number
  /** Records that are summed at a time at the most, up to 10000. @default 2000 */
  readonly maxBatch?: number
}

/**
 * A sink that gets sums in place of single records: one record for all those of a claimed batch that
 * have the same customer, provider, model, endpoint, service tier, attributes and window. A sum has
 * the same id on every attempt, in every process, so that it is billed once like a single record; it
 * has the latest `at` of its records, the weakest outcome, and no `raw`.
 *
 *     sinks: [aggregated(stripeSink({ apiKey }), { windowMs: 60_000 })]
 *
 * The outbox keeps single records all the same. What the sink says of a sum holds for each of them:
 * where it refuses one, they become dead letters together, because it refused what they have in
 * common. `requeue` sends any of them again, alone or in other sums; a sum that may have arrived, as
 * the reason then says, has to be looked up before that, because another sum has another id.
 *
 * What waits in a copied or restored outbox is a dead letter at once: the original may have delivered
 * it in other sums.
 *
 * Attributes of which each record has its own value leave nothing to be summed. Change the options,
 * or put this in front of a sink that is in use, when nothing is pending: what is uncertain at that
 * moment gets another id and can be billed twice.
 * @throws ConfigError when an option is wrong.
 */
export function aggregated(sink: Sink | SinkFunction, options: AggregationOptions = {}): Sink {
  const inner = typeof sink === 'function' ? functionSink(sink.name, sink) : sink
  const { windowMs = 60_000, lingerMs = 10_000, maxBatch = 2000 } = options
  check('windowMs', windowMs, 1, Number.MAX_SAFE_INTEGER)
  check('lingerMs', lingerMs, 0, 24 * 60 * 60_000)
  check('maxBatch', maxBatch, 1, mostMembers)
  return {
    name: inner.name,
    ...(inner.startsAtMs !== undefined && { startsAtMs: inner.startsAtMs }),
    maxBatch,
    maxConcurrentBatches: inner.maxConcurrentBatches ?? 1,
    lingerMs,
    async send(batch, signal) {
      const own = { ...batch, entries: batch.entries.filter((entry) => !isSummedElsewhere(entry)) }
      const sums = aggregatesOf(own, windowMs)
      const results = await sendParts(inner, own, sums, signal)
      const answers = new Map<BatchEntry, SinkResult>()
      for (const [index, { entry, members }] of sums.entries()) {
        for (const member of members) {
          const of = own.entries[member]
          if (of === undefined) continue
          answers.set(of, ofMember(results[index] ?? notSent, batch.id, entry, of.record.id))
        }
      }
      return batch.entries.map((entry) => answers.get(entry) ?? unknownSum(entry))
    },
    close: () => inner.close?.(),
  }
}

/**
 * It may have arrived before it was first tried here: from the original of an outbox that is a copy,
 * in a sum whose id nobody here knows.
 */
function isSummedElsewhere({ uncertainSince, firstAttemptAt = Infinity }: BatchEntry): boolean {
  return uncertainSince !== undefined && uncertainSince < firstAttemptAt
}

function unknownSum({ uncertainSince = 0 }: BatchEntry): SinkResult {
  const since = new Date(uncertainSince).toISOString()
  return {
    status: 'rejected',
    reason: `uncertain: the outbox is a copy or was restored, and the original may have delivered this since ${since}, in a sum that no backend can tell from another. Compare the sums of the time with the backend, then outbox.requeue what it does not have, and outbox.discard what it has.`,
  }
}

const notSent: SinkResult = { status: 'retry', reason: 'there was no time left to send it' }

/** Sends sums in batches of the size that the sink takes. One that fails does not stop the next. */
async function sendParts(
  sink: Sink,
  batch: Batch,
  sums: readonly Aggregate[],
  signal: AbortSignal,
): Promise<readonly SinkResult[]> {
  const size = sink.maxBatch ?? 100
  const results: SinkResult[] = []
  for (let start = 0; start < sums.length; start += size) {
    const entries = sums.slice(start, start + size).map(({ entry }) => entry)
    // The sink itself says so of the first.
    if (start > 0 && signal.aborted) results.push(...entries.map(() => notSent))
    else results.push(...(await sendPart(sink, batch, entries, signal)))
  }
  return results
}

async function sendPart(
  sink: Sink,
  batch: Batch,
  entries: readonly BatchEntry[],
  signal: AbortSignal,
): Promise<readonly SinkResult[]> {
  // By the first sum, and not by place: the places change when other parts are settled.
  const id = deriveRecordId(batch.id, entries[0]?.record.id ?? '')
  try {
    const answer = await sink.send({ ...batch, id, entries }, signal)
    if (answer.length === entries.length) return answer
    throw new Error(
      `the sink "${sink.name}" answered ${answer.length} results for ${entries.length} records; it must answer one per record, in order`,
    )
  } catch (error) {
    return entries.map(() => ({ status: 'retry', reason: messageOf(error), uncertain: true }))
  }
}

/** A result of a sum as that of one of its members. */
function ofMember(
  result: SinkResult,
  batchId: string,
  sum: BatchEntry,
  memberId: string,
): SinkResult {
  // Written by others, it may be anything; delivery judges it.
  const { status, deliveredEventIds } = (result ?? {}) as Partial<SinkResult>
  const doubt = status === 'rejected' && sum.uncertainSince !== undefined
  if (!Array.isArray(deliveredEventIds) && !doubt) return result
  return {
    ...result,
    ...(Array.isArray(deliveredEventIds) && {
      deliveredEventIds: eventsOfMember(batchId, sum.record.id, memberId, deliveredEventIds),
    }),
    ...(doubt && { reason: `${reasonOf(result)} ${mayHaveArrived(sum.record.id)}` }),
  }
}

function reasonOf(result: SinkResult): string {
  return result.status === 'accepted' ? '' : result.reason
}

function mayHaveArrived(sumId: string): string {
  return `(As part of the sum ${sumId} it may have arrived before. Requeued, it is part of another, which no backend can tell from new usage: look the sum up first.)`
}

function check(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return
  throw new ConfigError(
    `aggregated: ${name} must be a whole number from ${least} to ${most}, got ${String(value)}`,
  )
}
