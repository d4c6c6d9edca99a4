import type { Batch, BatchMarks } from '@token-meter/core/outbox'
import { type Database, moment } from './database.ts'
import { plainText } from './sql-text.ts'

/**
 * Writes marks of a batch while it is being sent, in one statement for all requests that begin or end
 * together. Like settling it locks the batch by its lease.
 *
 * Records are looked up by their ids, because they are few of many.
 */
export function prepareMark(
  database: Database,
): (batch: Batch, marks: BatchMarks) => Promise<boolean> {
  const { schema } = database
  const statement = `WITH ${moment('$1')},
    held AS MATERIALIZED (
      SELECT id, sink FROM ${schema}.batches WHERE id = $2 AND lease = $3 FOR UPDATE
    ), answered AS MATERIALIZED (
      SELECT held.sink, item.seq, status, reason, code, since,
        item.delivered || ARRAY(
          SELECT event FROM jsonb_array_elements_text(answer.delivered)
            WITH ORDINALITY AS new (event, place)
          WHERE event <> ALL (item.delivered) GROUP BY event ORDER BY min(place)) AS delivered
      FROM held CROSS JOIN jsonb_to_recordset($4::jsonb) AS answer (id text, status text,
          reason text, code text, since float8, delivered jsonb)
        CROSS JOIN LATERAL (
          SELECT seq FROM ${schema}.records WHERE records.id = answer.id OFFSET 0) AS record
        CROSS JOIN LATERAL (
          SELECT items.seq, delivered_event_ids AS delivered FROM ${schema}.items
          WHERE items.sink = held.sink AND items.seq = record.seq AND items.batch = held.id OFFSET 0
        ) AS item
    ), accepted AS (
      DELETE FROM ${schema}.items USING answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'accepted'
      RETURNING 1
    ), buried AS (
      UPDATE ${schema}.items SET state = 'dead', batch = NULL, failed_at = ms,
        delivered_event_ids = delivered, reason = answered.reason, code = answered.code,
        since = answered.since
      FROM answered, moment
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'rejected'
    ), learned AS (
      UPDATE ${schema}.items SET delivered_event_ids = delivered FROM answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'retry'
    ), counted AS (
      UPDATE ${schema}.sinks SET delivered = delivered + (SELECT count(*) FROM accepted)
      FROM held WHERE name = held.sink AND EXISTS (SELECT FROM accepted)
    ), ended AS MATERIALIZED (
      SELECT id FROM held WHERE EXISTS (SELECT FROM answered WHERE status <> 'retry')
        AND NOT EXISTS (SELECT FROM ${schema}.items WHERE batch = held.id
          AND seq NOT IN (SELECT seq FROM answered WHERE status <> 'retry'))
    ), finished AS (
      DELETE FROM ${schema}.batches USING ended WHERE batches.id = ended.id
    ), over AS (
      DELETE FROM ${schema}.marks USING held
      WHERE batch = held.id AND (request = ANY ($5::integer[]) OR EXISTS (SELECT FROM ended))
    ), begun AS (
      INSERT INTO ${schema}.marks (batch, request, parts)
      SELECT held.id, request, parts
      FROM held, jsonb_to_recordset($6::jsonb) AS next (request integer, parts jsonb)
    )
    SELECT FROM held`

  return async ({ id, lease }, { sending, over, known }) => {
    const answers = known.map(({ recordId, result }) => {
      const refused = result.status === 'rejected' ? result : undefined
      return {
        id: plainText(recordId),
        status: result.status,
        reason: refused === undefined ? null : plainText(refused.reason),
        code: refused?.code === undefined ? null : plainText(refused.code),
        since: refused?.since ?? null,
        delivered: (result.deliveredEventIds ?? []).map(plainText),
      }
    })
    const begun = sending.map(({ request, parts }) => ({
      request,
      parts: parts.map(({ recordIds, eventIds, sumId }) => ({
        recordIds: recordIds.map(plainText),
        ...(eventIds !== undefined && { eventIds: eventIds.map(plainText) }),
        ...(sumId !== undefined && { sumId: plainText(sumId) }),
      })),
    }))
    const rows = await database.query(statement, [
      database.nowMs,
      id,
      lease,
      JSON.stringify(answers),
      over,
      JSON.stringify(begun),
    ])
    return rows.length > 0
  }
}
