import type { Batch, BatchEntry } from '../batch.ts'
import { type BeginRequest, EventProgress, type ProgressSteps } from './event-progress.ts'
import type { SendProgress } from '../send-progress.ts'
import type { Refusal } from '../../errors/refusal.ts'
import type { SinkResult } from '../sink.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'

/** The entry of a record that somebody pays for. */
export type PayableEntry = BatchEntry & {
  readonly record: UsageRecord & { readonly customer: string }
}

/** What is to be sent of a record, or why nothing is now. */
export type Unsent<Queued> =
  | { readonly queued: readonly Queued[] }
  | { readonly result: SinkResult }

/** How a sink sends records as events. */
export interface EntrySteps<Queued, Sent> extends ProgressSteps<Queued, Sent> {
  /** The events of a record that the backend does not have. */
  eventsOf(entry: PayableEntry): Unsent<Queued>
  /**
   * Sends the events of all records and answers what became of each, in order.
   * @param begin before each request.
   */
  send(queued: readonly Queued[], begin: BeginRequest<Queued, Sent>): Promise<readonly Sent[]>
  /** The result of a record from what became of its own events, which may be none. */
  resultOf(sent: readonly Sent[], entry: BatchEntry): SinkResult
}

/**
 * records -> events -> what became of each -> a result for each record, in order. Of what is
 * unbilled nothing is sent, and it is accepted.
 * @param progress told of each request, and of each record as soon as its end is known.
 */
export async function sendEntries<Queued, Sent>(
  { entries }: Batch,
  steps: EntrySteps<Queued, Sent>,
  progress?: SendProgress,
): Promise<readonly SinkResult[]> {
  const { eventsOf, resultOf } = steps
  const unsent = entries.map((entry) => ({ entry, ...unsentOf(entry, eventsOf) }))
  const records = unsent.flatMap((each) => ('queued' in each ? [each] : []))
  const { begin } = new EventProgress(steps, progress, records)
  const sent = await steps.send(
    records.flatMap(({ queued }) => queued),
    begin,
  )
  let next = 0
  return unsent.map((each): SinkResult => {
    if ('result' in each) return each.result
    return resultOf(sent.slice(next, (next += each.queued.length)), each.entry)
  })
}

/** The record is refused for good without having been sent. */
export function rejected(reason: string, why: Refusal = {}): { readonly result: SinkResult } {
  return { result: { status: 'rejected', reason, ...why } }
}

function unsentOf<Queued>(
  entry: BatchEntry,
  eventsOf: (entry: PayableEntry) => Unsent<Queued>,
): Unsent<Queued> {
  if (entry.record.unbilled !== undefined) return nothingOwed
  if (isPayable(entry)) return eventsOf(entry)
  return rejected('nobody is named to bill it to: attribute it')
}

const nothingOwed = { result: { status: 'accepted' } } as const

function isPayable(entry: BatchEntry): entry is PayableEntry {
  return entry.record.customer !== null
}
