import {
  type Batch,
  type BatchMarks,
  coveredCode,
  type SinkResult,
  waitMs,
} from '@token-meter/core/outbox'
import { type Database, moment } from './database.ts'
import { joined, plainText, textsOf, unionOf } from './sql-text.ts'

/*
 * What results make of a batch is `outcomeOf` of the core, in statements: one write, whatever the
 * number of records, between which nobody else can come. Each locks the batch by its lease: a worker
 * that was paused until another took its batch over finds nothing, and changes nothing.
 */

/** A result as the statements take it. */
interface Answer {
  /** Of the record. */
  readonly id: string
  readonly status: SinkResult['status'] | 'covered'
  readonly reason: string | null
  readonly code: string | null
  readonly since: number | null
  readonly delivered: readonly string[]
}

function answerOf(recordId: string, result: SinkResult | undefined): Answer {
  const refused = result?.status === 'rejected' ? result : undefined
  return {
    id: plainText(recordId),
    status: statusOf(result),
    reason: refused === undefined ? null : plainText(refused.reason),
    code: refused?.code === undefined ? null : plainText(refused.code),
    since: refused?.since ?? null,
    delivered: (result?.deliveredEventIds ?? []).map(plainText),
  }
}

function statusOf(result: SinkResult | undefined): Answer['status'] {
  if (result?.status === 'accepted') return result.code ?? 'accepted'
  return result?.status ?? 'retry'
}

/** The columns of an answer in JSON. */
const answerColumns = `id text, status text, reason text, code text, since float8, delivered jsonb`

/** Of `answered`, what no later attempt is made of; and the count of what was accepted, in `held`. */
function settled(schema: string): string {
  return `accepted AS (
      DELETE FROM ${schema}.items USING answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'accepted'
      RETURNING 1
    ), dead AS (
      UPDATE ${schema}.items SET state = 'dead', batch = NULL, failed_at = ms,
        delivered_event_ids = delivered, reason = answered.reason, code = answered.code,
        since = answered.since
      FROM answered, moment
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'rejected'
      RETURNING 1
    ), covered AS (
      UPDATE ${schema}.items SET state = 'discarded', code = '${coveredCode}', batch = NULL, reason = NULL
      FROM answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'covered'
      RETURNING 1
    ), counted AS (
      UPDATE ${schema}.sinks SET delivered = delivered + (SELECT count(*) FROM accepted),
        covered = covered + (SELECT count(*) FROM covered)
      FROM held
      WHERE name = held.sink AND (EXISTS (SELECT FROM accepted) OR EXISTS (SELECT FROM covered))
    )`
}

/** Settles a batch in one statement. */
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
      FROM jsonb_to_recordset($4::jsonb) AS answer (${answerColumns}, uncertain boolean,
        events jsonb, sum text)
    ), answered AS MATERIALIZED (
      SELECT items.sink, items.seq, status, answers.reason, answers.code, answers.since, uncertain,
        claimed_at, events, sum,
        ${unionOf('delivered_event_ids', 'jsonb_array_elements_text(delivered)')} AS delivered
      FROM held JOIN ${schema}.items ON items.batch = held.id
        CROSS JOIN LATERAL (
          SELECT records.id FROM ${schema}.records WHERE records.seq = items.seq OFFSET 0) AS record
        JOIN answers ON answers.record = record.id
    ), ${settled(schema)}, kept AS (
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
    ), remaining AS MATERIALIZED (
      SELECT (SELECT count(*) FROM held JOIN ${schema}.items ON items.batch = held.id)
        - (SELECT count(*) FROM accepted) - (SELECT count(*) FROM covered)
        - (SELECT count(*) FROM dead) AS count
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

  return async ({ id, lease, entries }, results) => {
    const answers = entries.map(({ record }, index) => {
      const result = results[index]
      const uncertain = result?.status === 'retry' && result.uncertain ? result : undefined
      return {
        ...answerOf(record.id, result),
        uncertain: result === undefined || uncertain !== undefined,
        events: uncertain?.uncertainEventIds?.map(plainText) ?? null,
        sum: uncertain?.uncertainIn === undefined ? null : plainText(uncertain.uncertainIn),
      }
    })
    const values = [database.nowMs, id, lease, JSON.stringify(answers), waitMs(results)]
    return (await database.query(statement, values)).length > 0
  }
}

/**
 * Writes marks of a batch while it is being sent, in one statement for all requests that begin or end
 * together. Records are looked up by their ids, because they are few of many.
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
        ${unionOf('item.delivered', 'jsonb_array_elements_text(answer.delivered)')} AS delivered
      FROM held CROSS JOIN jsonb_to_recordset($4::jsonb) AS answer (${answerColumns})
        CROSS JOIN LATERAL (
          SELECT seq FROM ${schema}.records WHERE records.id = answer.id OFFSET 0) AS record
        CROSS JOIN LATERAL (
          SELECT items.seq, delivered_event_ids AS delivered FROM ${schema}.items
          WHERE items.sink = held.sink AND items.seq = record.seq AND items.batch = held.id OFFSET 0
        ) AS item
    ), ${settled(schema)}, kept AS (
      UPDATE ${schema}.items SET delivered_event_ids = delivered FROM answered
      WHERE items.sink = answered.sink AND items.seq = answered.seq AND status = 'retry'
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
    const answers = known.map(({ recordId, result }) => answerOf(recordId, result))
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
