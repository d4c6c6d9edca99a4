import { type Batch, fromBody } from '@token-meter/core/adapter'
import { type Database, moment } from '../database.ts'
import { refusedEventIds, refusedEvents } from '../refused-events.ts'
import { plainText } from '../sql-text.ts'

interface Row {
  readonly id: string
  readonly body: string
  readonly customer: string | null
  readonly attempts: unknown
  readonly firstAttemptAt: unknown
  readonly uncertainSince: unknown
  readonly delivered: string
  readonly refused: string | null
}

/**
 * Leases the batch that waits longest for its next attempt, whole. One that still has a lease was
 * never settled: what its holder sent may have arrived.
 */
export function prepareDueBatch(
  database: Database,
): (sink: string, leaseMs: number) => Promise<Batch | undefined> {
  const { schema } = database
  const statement = `WITH ${moment('$1')},
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
      RETURNING seq, due.id, attempts, first_attempt_at, uncertain_since, delivered_event_ids
    )
    SELECT id, body, customer, attempts - 1 AS attempts, first_attempt_at AS "firstAttemptAt",
      uncertain_since AS "uncertainSince", array_to_json(delivered_event_ids)::text AS delivered,
      ${refusedEvents(schema, '$2', 'tried.seq')} AS refused
    FROM tried CROSS JOIN LATERAL (
      SELECT body, customer FROM ${schema}.records WHERE records.seq = tried.seq OFFSET 0
    ) AS record ORDER BY seq`

  return async (sink, leaseMs) => {
    const lease = crypto.randomUUID()
    const values = [database.nowMs, plainText(sink), lease, leaseMs]
    const rows = await database.query<Row>(statement, values)
    const [first] = rows
    if (first === undefined) return undefined
    const entries = rows.map((row) => ({
      record: fromBody(row.body, row.customer),
      attempts: Number(row.attempts),
      firstAttemptAt: Number(row.attempts) > 0 ? Number(row.firstAttemptAt) : undefined,
      uncertainSince: row.uncertainSince === null ? undefined : Number(row.uncertainSince),
      deliveredEventIds: JSON.parse(row.delivered) as string[],
      ...refusedEventIds(row.refused),
    }))
    return { id: first.id, sink, lease, entries }
  }
}
