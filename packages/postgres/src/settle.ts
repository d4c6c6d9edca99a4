import type { Batch, SinkResult } from '@token-meter/core/outbox'
import { type Database, moment } from './database.ts'
import { joined, plainText, textsOf } from './sql-text.ts'

/**
 * Settles a batch in one statement. It locks the batch by its lease: a worker that was paused until
 * another took its batch over finds nothing, and changes nothing.
 */
export function prepareSettle(
  database: Database,
): (batch: Batch, results: readonly SinkResult[]) => Promise<boolean> {
  const { schema } = database
  const statement = `WITH ${moment('$1')},
    held AS MATERIALIZED (
      SELECT id, sink, claimed_at FROM ${schema}.batches WHERE id = $2 AND lease = $3 FOR UPDATE
    ), answers AS MATERIALIZED (
      SELECT id AS record, status, reason, code, since, uncertain, delivered,
        ${textsOf('events')} AS events, sum
      FROM jsonb_to_recordset($4::jsonb) AS answer (id text, status text, reason text,
        code text, since float8, uncertain boolean, delivered jsonb,
        events jsonb, sum text)
    ), answered AS MATERIALIZED (
      SELECT items.sink, items.seq, status, answers.reason, answers.code, answers.since, uncertain,
        claimed_at, events, sum,
        delivered_event_ids || ARRAY(
          SELECT event FROM jsonb_array_elements_text(delivered) WITH ORDINALITY AS new (event, place)
          WHERE event <> ALL (delivered_event_ids) GROUP BY event ORDER BY min(place)) AS delivered
      FROM held JOIN ${schema}.items ON items.batch = held.id
        CROSS JOIN LATERAL (
          SELECT records.id FROM ${schema}.records WHERE records.seq = items.seq OFFSET 0) AS record
        JOIN answers ON answers.record = record.id
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
      RETURNING 1
    ), kept AS (
      UPDATE ${schema}.items SET delivered_event_ids = delivered,
        uncertain_since = coalesce(uncertain_since, CASE WHEN uncertain THEN claimed_at END),
        uncertain_event_ids = CASE WHEN NOT uncertain THEN uncertain_event_ids
          WHEN uncertain_since IS NULL THEN events
          ELSE ${joined('uncertain_event_ids', 'events')} END,
        uncertain_in = CASE WHEN uncertain THEN coalesce(sum, nullif(uncertain_in, items.batch))
          ELSE uncertain_in END
      FROM answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'retry'
        AND (uncertain OR delivered <> delivered_event_ids)
    ), counted AS (
      UPDATE ${schema}.sinks SET delivered = delivered + (SELECT count(*) FROM accepted)
      FROM held WHERE name = held.sink AND EXISTS (SELECT FROM accepted)
    ), remaining AS MATERIALIZED (
      SELECT (SELECT count(*) FROM held JOIN ${schema}.items ON items.batch = held.id)
        - (SELECT count(*) FROM accepted) - (SELECT count(*) FROM buried) AS count
    ), finished AS (
      DELETE FROM ${schema}.batches USING held, remaining
      WHERE batches.id = held.id AND remaining.count = 0
    ), waits AS (
      UPDATE ${schema}.batches SET lease = NULL, due_at = ms + $5::float8
      FROM held, moment, remaining WHERE batches.id = held.id AND remaining.count > 0
    ), cleared AS (
      DELETE FROM ${schema}.marks USING held WHERE batch = held.id
    )
    SELECT FROM held`

  return async (batch, results) => {
    let waitMs = 0
    const answers = batch.entries.map(({ record }, index) => {
      const result = results[index]
      const uncertain = result?.status === 'retry' && result.uncertain ? result : undefined
      const refused = result?.status === 'rejected' ? result : undefined
      if (result?.status === 'retry') waitMs = Math.max(waitMs, result.afterMs ?? 0)
      return {
        id: plainText(record.id),
        status: result?.status ?? 'retry',
        reason: refused === undefined ? null : plainText(refused.reason),
        code: refused?.code === undefined ? null : plainText(refused.code),
        since: refused?.since ?? null,
        uncertain: result === undefined || uncertain !== undefined,
        events: uncertain?.uncertainEventIds?.map(plainText) ?? null,
        sum: uncertain?.uncertainIn === undefined ? null : plainText(uncertain.uncertainIn),
        delivered: (result?.deliveredEventIds ?? []).map(plainText),
      }
    })
    const { id, lease } = batch
    const values = [database.nowMs, id, lease, JSON.stringify(answers), waitMs]
    const rows = await database.query(statement, values)
    return rows.length > 0
  }
}
