/**
 * Sends records as sums of them, and brings what is said of a sum back to each of its members: the
 * results, the marks of requests, what arrived.
 *
 * What may have arrived stays out of new sums, because only what was sent can be sent again without
 * being billed twice: a record that went by itself goes by itself, and the members of a sum
 * (`uncertainIn`) go as that sum, whoever sends them now and however they are summed up.
 */
import { messageOf } from '../errors/errors.ts'
import type { Batch, BatchEntry } from './batch.ts'
import { deriveRecordId } from '../usage/record-id.ts'
import { isUncertainRefusal } from '../errors/refusal.ts'
import { type Aggregate, eventsOfMember, sumOfEntries } from './aggregates.ts'
import { type RecordProgress, type SendProgress, reportsProgress } from './send-progress.ts'
import type { Sink } from './sink.ts'
import type { SinkResult } from './sink-result.ts'
import { withSend } from './with-send.ts'

/** A batch as what is sent of it. `sumUp` gets the places of what may go in new sums. */
export function partsOf(
  batch: Batch,
  sumUp: (places: readonly number[]) => readonly Aggregate[],
): readonly Aggregate[] {
  const alone: number[] = []
  const free: number[] = []
  const sums = new Map<string, number[]>()
  for (const [place, { uncertainSince, uncertainIn }] of batch.entries.entries()) {
    // In a copy: the original puts its batch into the same sums.
    if (uncertainSince === undefined || uncertainIn === batch.id) free.push(place)
    else if (uncertainIn === undefined) alone.push(place)
    else sums.set(uncertainIn, [...(sums.get(uncertainIn) ?? []), place])
  }
  return [
    ...[...sums].map(([id, members]) => ({ members, entry: sumOfEntries(id, batch, members) })),
    ...alone.map((place) => itself(batch, place)),
    ...sumUp(free),
  ]
}

/** A record that goes by itself. */
export function itself({ entries }: Batch, place: number): Aggregate {
  return { members: [place], entry: entries[place] as BatchEntry, isItself: true }
}

/** A sink that sums nothing up, but sends again as a sum what may have arrived as one. */
export function keepingSums(sink: Sink): Sink {
  return withSend(sink, (batch, signal, progress) => {
    if (batch.entries.every(({ uncertainIn }) => uncertainIn === undefined)) {
      return sink.send(batch, signal, progress)
    }
    const parts = partsOf(batch, (places) => places.map((place) => itself(batch, place)))
    // Who sums up in turn makes ids of the batch's.
    const isWhole = parts.length <= (sink.maxBatch ?? 100)
    return sendSums(sink, batch, parts, { signal, progress, ...(isWhole && { id: batch.id }) })
  })
}

interface Sending {
  readonly signal: AbortSignal
  readonly progress: SendProgress | undefined
  /** The id of the batch that the sink gets. @default made of its first sum */
  readonly id?: string
}

/** Sends sums in batches of the size that the sink takes, and answers for each entry of the batch. */
export async function sendSums(
  inner: Sink,
  batch: Batch,
  sums: readonly Aggregate[],
  sending: Sending,
): Promise<readonly SinkResult[]> {
  const members = new SumMembers(batch, sums)
  const size = inner.maxBatch ?? 100
  const answer: SinkResult[] = batch.entries.map(() => notSent)
  for (let start = 0; start < sums.length; start += size) {
    const some = sums.slice(start, start + size)
    // The sink itself says so of the first.
    if (start > 0 && sending.signal.aborted) break
    const results = await sendPart(inner, batch, some, sending, members)
    for (const [index, sum] of some.entries()) {
      for (const place of sum.members) {
        answer[place] = members.resultOf(results[index] ?? notSent, sum, place)
      }
    }
  }
  return answer
}

const notSent: SinkResult = { status: 'retry', reason: 'there was no time left to send it' }

async function sendPart(
  sink: Sink,
  batch: Batch,
  sums: readonly Aggregate[],
  { signal, progress, id: given }: Sending,
  members: SumMembers,
): Promise<readonly SinkResult[]> {
  const entries = sums.map(({ entry }) => entry)
  // By the first sum, and not by place: the places change when other parts are settled.
  const id = given ?? deriveRecordId(batch.id, entries[0]?.record.id ?? '')
  const part = { ...batch, id, entries }
  const reports = progress !== undefined && reportsProgress(sink)
  let isSent = false
  try {
    if (reports)
      return checked(sink, entries, await sink.send(part, signal, members.told(progress)))
    // Who is to send it tells nothing: all of it is in flight until there is an answer.
    const request = await progress?.sending(sums.map((sum) => members.inFlight(sum)))
    request?.check()
    isSent = true
    const results = checked(sink, entries, await sink.send(part, signal))
    const known = sums.flatMap((sum, index) => members.progressOf(results[index], sum))
    if (!results.some(isUncertain)) request?.over(known)
    else progress?.known(known)
    return results
  } catch (error) {
    const reason = messageOf(error)
    // Of a sink that reports, the marks say what may have arrived.
    const isOpen = reports ? false : isSent
    return entries.map(() => ({ status: 'retry', reason, ...(isOpen && { uncertain: true }) }))
  }
}

function isUncertain(result: SinkResult | undefined): boolean {
  const { status, uncertain } = (result ?? {}) as { status?: unknown; uncertain?: unknown }
  return uncertain === true || !['accepted', 'retry', 'rejected'].includes(status as string)
}

function checked(
  { name }: Sink,
  entries: readonly BatchEntry[],
  answer: readonly SinkResult[],
): readonly SinkResult[] {
  if (answer.length === entries.length) return answer
  throw new Error(
    `the sink "${name}" answered ${answer.length} results for ${entries.length} records; it must answer one per record, in order`,
  )
}

/** What is said of sums, as said of their members. */
class SumMembers {
  readonly #batch: Batch
  readonly #sums: ReadonlyMap<string, Aggregate>

  constructor(batch: Batch, sums: readonly Aggregate[]) {
    this.#batch = batch
    this.#sums = new Map(sums.map((sum) => [sum.entry.record.id, sum]))
  }

  inFlight(sum: Aggregate, eventIds?: readonly string[]) {
    const { entry, members, isItself } = sum
    return {
      recordIds: members.map((place) => this.#idOf(place)),
      ...(eventIds !== undefined && { eventIds }),
      ...(isItself !== true && { sumId: entry.record.id }),
    }
  }

  /** The progress for a sink that gets sums. */
  told(progress: SendProgress): SendProgress {
    const known = (sums: readonly RecordProgress[]) =>
      sums.flatMap(({ recordId, result }) => {
        const sum = this.#sums.get(recordId)
        return sum === undefined ? [] : this.progressOf(result, sum)
      })
    return {
      sending: async (parts) => {
        const request = await progress.sending(
          parts.flatMap((part) =>
            part.recordIds.flatMap((id) => {
              const sum = this.#sums.get(id)
              // Who gets a record as it is may sum it up in turn.
              if (sum?.isItself === true) return { ...part, recordIds: [id] }
              return sum === undefined ? [] : this.inFlight(sum, part.eventIds)
            }),
          ),
        )
        return {
          check: () => request.check(),
          over: (sums = []) => request.over(known(sums)),
        }
      },
      known: (sums) => progress.known(known(sums)),
    }
  }

  progressOf(result: SinkResult | undefined, sum: Aggregate): readonly RecordProgress[] {
    if (result === undefined || isUncertain(result)) return []
    return sum.members.map((place) => ({
      recordId: this.#idOf(place),
      result: this.resultOf(result, sum, place),
    }))
  }

  /** A result of a sum as that of one of its members. */
  resultOf(result: SinkResult, { entry, isItself }: Aggregate, place: number): SinkResult {
    if (isItself === true) return result
    const sumId = entry.record.id
    // Written by others, it may be anything; delivery judges it.
    const { deliveredEventIds, status } = (result ?? {}) as Partial<SinkResult>
    const own = Array.isArray(deliveredEventIds)
      ? {
          ...result,
          deliveredEventIds: eventsOfMember(
            this.#batch.id,
            sumId,
            this.#idOf(place),
            deliveredEventIds,
          ),
        }
      : result
    if (status === 'retry' && isUncertain(result))
      return { ...own, uncertainIn: sumId } as SinkResult
    return inDoubt(own, entry)
  }

  #idOf(place: number): string {
    return this.#batch.entries[place]?.record.id ?? ''
  }
}

/** A refusal of a sum that may have arrived before says so, unless the sink knows the cause. */
function inDoubt(result: SinkResult, { record, uncertainSince }: BatchEntry): SinkResult {
  if (result?.status !== 'rejected' || uncertainSince === undefined) return result
  const { code, since = uncertainSince } = result
  const reason = `${result.reason} ${mayHaveArrived(record.id)}`
  if (code !== undefined && !isUncertainRefusal({ code })) return { ...result, reason }
  return { ...result, reason, code: 'uncertain_sum', since }
}

function mayHaveArrived(sumId: string): string {
  return `(As part of the sum ${sumId} it may have arrived before. Requeued, it is part of another, which no backend can tell from new usage: look the sum up first.)`
}
