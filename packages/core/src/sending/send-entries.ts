import type { Batch, BatchEntry } from '../outbox/outbox.ts'
import type { SinkResult } from '../sink/sink.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** The entry of a record that somebody pays for. */
export type PayableEntry = BatchEntry & {
  readonly record: UsageRecord & { readonly customer: string }
}

/** What is to be sent of a record, or why nothing is now. */
export type Unsent<Queued> =
  | { readonly queued: readonly Queued[] }
  | { readonly result: SinkResult }

/** How a sink sends records as events. */
export interface EntrySteps<Queued, Sent> {
  /** The events of a record that the backend does not have. */
  eventsOf(entry: PayableEntry): Unsent<Queued>
  /** Sends the events of all records and answers what became of each, in order. */
  send(queued: readonly Queued[]): Promise<readonly Sent[]>
  /** The result of a record from what became of its own events, which may be none. */
  resultOf(sent: readonly Sent[], entry: BatchEntry): SinkResult
}

/**
 * records -> events -> what became of each -> a result for each record, in order. Of what is
 * unbilled nothing is sent, and it is accepted.
 */
export async function sendEntries<Queued, Sent>(
  { entries }: Batch,
  { eventsOf, send, resultOf }: EntrySteps<Queued, Sent>,
): Promise<readonly SinkResult[]> {
  const unsent = entries.map((entry) => ({ entry, ...unsentOf(entry, eventsOf) }))
  const sent = await send(unsent.flatMap((each) => ('queued' in each ? each.queued : [])))
  let next = 0
  return unsent.map((each): SinkResult => {
    if ('result' in each) return each.result
    return resultOf(sent.slice(next, (next += each.queued.length)), each.entry)
  })
}

/** The record is refused for good without having been sent. */
export function rejected(
  reason: string,
  why: { readonly code?: string } = {},
): { readonly result: SinkResult } {
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
