import type { UsageRecord } from '../usage/usage-record.ts'

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
