import type { DatabaseSync } from 'node:sqlite'

/** Records up to a number that may have been delivered elsewhere, from a time on. */
export interface Doubt {
  readonly upTo: number
  readonly sinceMs: number
}

/** Since when a record with this number is uncertain that no sink has an item of. */
export const doubtOf = (seq: string): string =>
  `(SELECT min(since) FROM rests WHERE state <> 'trusted' AND upto >= ${seq})`

/** Makes what is on its way to a sink uncertain, and counts it. Within a transaction. */
export function prepareDistrusted(database: DatabaseSync) {
  // A claim that was never settled is uncertain from its own time, which the mark would hide.
  const mark = database.prepare(
    `UPDATE items SET uncertain_event_ids = NULL,
       uncertain_in = CASE WHEN uncertain_since IS NULL THEN batch ELSE uncertain_in END,
       uncertain_since = min(:sinceMs, coalesce(uncertain_since, :sinceMs),
       coalesce((SELECT claimed_at FROM batches WHERE id = batch AND lease IS NOT NULL), :sinceMs))
     WHERE state IN ('batched', 'requeued') AND seq <= :upTo`,
  )
  const waiting = database.prepare(
    `SELECT count(*) AS count FROM (
       SELECT seq FROM items
         WHERE state IN ('batched', 'requeued') AND sink IN (SELECT name FROM sinks)
       UNION SELECT seq FROM records
         WHERE customer IS NOT NULL AND seq > coalesce((SELECT min(cursor) FROM sinks), 0))`,
  )
  return {
    mark: ({ upTo, sinceMs }: Doubt) => void mark.run({ upTo, sinceMs }),
    /** How many records wait for any sink. */
    count: () => (waiting.get() as { count: number }).count,
  }
}
