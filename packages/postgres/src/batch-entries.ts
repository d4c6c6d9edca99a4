import { type BatchEntry, fromBody, uncertaintyFields } from '@token-meter/core/outbox'
import { refusedEventIds, refusedEvents } from './sql-text.ts'

export interface LeasedRow {
  readonly body: string
  readonly customer: string | null
  readonly attempts: unknown
  readonly firstAttemptAt: unknown
  readonly uncertainSince: unknown
  readonly uncertainEvents: string | null
  readonly uncertainIn: string | null
  readonly delivered: string
  readonly refused: string | null
}

/**
 * Reads what a claim has leased, as long as it holds the lease. Read when the claim is committed: a
 * process that stops in the middle of so long an answer would keep the claim's locks for as long.
 */
export function leasedEntries(schema: string, id: string, lease: string): string {
  return `SELECT body, customer, attempts - 1 AS attempts, first_attempt_at AS "firstAttemptAt",
      uncertain_since AS "uncertainSince",
      array_to_json(uncertain_event_ids)::text AS "uncertainEvents",
      uncertain_in AS "uncertainIn", array_to_json(delivered_event_ids)::text AS delivered,
      ${refusedEvents(schema, 'items.sink', 'items.seq')} AS refused
    FROM ${schema}.batches JOIN ${schema}.items ON items.batch = batches.id
      CROSS JOIN LATERAL (
        SELECT body, customer FROM ${schema}.records WHERE records.seq = items.seq OFFSET 0
      ) AS record
    WHERE batches.id = ${id} AND lease = ${lease} ORDER BY items.seq`
}

export function toEntry(row: LeasedRow): BatchEntry {
  const attempts = Number(row.attempts)
  return {
    record: fromBody(row.body, row.customer),
    attempts,
    firstAttemptAt: attempts > 0 ? Number(row.firstAttemptAt) : undefined,
    ...uncertaintyFields({
      uncertainSince: row.uncertainSince === null ? undefined : Number(row.uncertainSince),
      uncertainEventIds:
        row.uncertainEvents === null ? undefined : (JSON.parse(row.uncertainEvents) as string[]),
      uncertainIn: row.uncertainIn ?? undefined,
    }),
    deliveredEventIds: JSON.parse(row.delivered) as string[],
    ...refusedEventIds(row.refused),
  }
}
