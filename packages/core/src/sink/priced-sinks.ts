import type { UsageRecord } from '../usage/usage-record.ts'
import type { Sink } from './sink.ts'
import { withSend } from './with-send.ts'

/**
 * Sinks whose records without a cost are priced again before they are sent: a record that was
 * refused for its missing price can be sent when the price is known.
 */
export function pricedSinks(
  sinks: readonly Sink[],
  price: ((record: UsageRecord) => UsageRecord) | undefined,
): readonly Sink[] {
  if (price === undefined) return sinks
  return sinks.map((sink) => pricedSink(sink, price))
}

function pricedSink(sink: Sink, price: (record: UsageRecord) => UsageRecord): Sink {
  return withSend(sink, (batch, signal, progress) => {
    if (batch.entries.every(({ record }) => record.cost !== undefined)) {
      return sink.send(batch, signal, progress)
    }
    const entries = batch.entries.map((entry) =>
      entry.record.cost === undefined
        ? { ...entry, record: markPricedLate(price(entry.record)) }
        : entry,
    )
    return sink.send({ ...batch, entries }, signal, progress)
  })
}

/**
 * Records whose cost was filled in as they were sent. What they are summed with, and so the id of
 * the sum, must be what it was on an attempt before the price was known.
 */
const late = new WeakSet<UsageRecord>()

/** A record that had no cost when it was kept, with the cost that is known now. */
export function markPricedLate(record: UsageRecord): UsageRecord {
  if (record.cost !== undefined) late.add(record)
  return record
}

/** Whether a record was kept with its cost. */
export function isKeptWithCost(record: UsageRecord): boolean {
  return record.cost !== undefined && !late.has(record)
}
