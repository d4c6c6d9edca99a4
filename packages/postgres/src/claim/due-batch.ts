import type { Batch } from '@token-meter/core/adapter'
import { type Database, moment } from '../database.ts'
import { plainText } from '../sql-text.ts'
import { leasedEntries, type LeasedRow, toEntry } from './leased-entries.ts'

/**
 * Leases the batch that waits longest for its next attempt, whole. One that still has a lease was
 * never settled: what its holder sent may have arrived.
 */
export function prepareDueBatch(
  database: Database,
): (sink: string, leaseMs: number) => Promise<Batch | undefined> {
  const { schema } = database
  const claim = `WITH ${moment('$1')},
    due AS MATERIALIZED (
      SELECT id, lease, claimed_at FROM ${schema}.batches, moment
      WHERE sink = $2 AND due_at <= ms
      ORDER BY due_at, number LIMIT 1 FOR UPDATE OF batches SKIP LOCKED
    ), leased AS (
      UPDATE ${schema}.batches SET lease = $3, claimed_at = ms, due_at = ms + $4::float8
      FROM due, moment WHERE batches.id = due.id
    ), tried AS (
      UPDATE ${schema}.items SET attempts = attempts + 1,
        first_attempt_at = coalesce(first_attempt_at, ms),
        uncertain_since = coalesce(uncertain_since,
          CASE WHEN due.lease IS NOT NULL THEN due.claimed_at END)
      FROM due, moment WHERE batch = due.id
    )
    SELECT id FROM due`
  const read = leasedEntries(schema, '$1', '$2')

  return async (sink, leaseMs) => {
    const lease = crypto.randomUUID()
    const values = [database.nowMs, plainText(sink), lease, leaseMs]
    const [due] = await database.query<{ id: string }>(claim, values)
    if (due === undefined) return undefined
    const rows = await database.query<LeasedRow>(read, [due.id, lease])
    return rows.length > 0 ? { id: due.id, sink, lease, entries: rows.map(toEntry) } : undefined
  }
}
