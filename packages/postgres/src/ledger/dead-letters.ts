import { type DeadLetter, fromBody, type Outbox, refusalOf } from '@token-meter/core/outbox'
import type { Database } from '../database.ts'
import { idList, plainText, wholeNumber } from '../sql-text.ts'

interface DeadRow {
  readonly body: string
  readonly customer: string | null
  readonly reason: string
  readonly code: string | null
  readonly since: unknown
  readonly attempts: unknown
  readonly failedAt: unknown
}

export function prepareDeadLetters(
  database: Database,
): Pick<Outbox, 'deadLetters' | 'requeue' | 'discard'> {
  const { schema } = database
  /** Dead items of a sink: the named ones, or all where no list is given. */
  const chosen = `sink = $1 AND state = 'dead' AND ($2::text[] IS NULL OR seq IN (
    SELECT seq FROM ${schema}.records WHERE id = ANY ($2::text[])))`
  const list = `SELECT body, customer, reason, code, since, attempts, failed_at AS "failedAt"
    FROM ${schema}.items JOIN ${schema}.records USING (seq)
    WHERE sink = $1 AND state = 'dead' ORDER BY failed_at, seq LIMIT $2::bigint`
  // It starts over, but what the sink already has of it stays known.
  const requeue = `WITH moved AS (
      UPDATE ${schema}.items SET state = 'requeued', attempts = 0, first_attempt_at = NULL,
        uncertain_since = NULL, uncertain_event_ids = NULL, uncertain_in = NULL, reason = NULL, code = NULL, since = NULL, failed_at = NULL
      WHERE ${chosen} RETURNING 1)
    SELECT count(*) AS count FROM moved`
  const discard = `WITH moved AS (
      UPDATE ${schema}.items SET state = 'discarded' WHERE ${chosen} RETURNING 1
    ), counted AS (
      UPDATE ${schema}.sinks SET discarded = discarded + (SELECT count(*) FROM moved)
      WHERE name = $1 AND EXISTS (SELECT FROM moved))
    SELECT count(*) AS count FROM moved`

  const move = async (
    statement: string,
    sink: string,
    ids: readonly string[] | undefined,
  ): Promise<number> => {
    const values = [plainText(sink), idList(ids)]
    const rows = await database.query<{ count: unknown }>(statement, values)
    return Number(rows[0]?.count)
  }

  return {
    async deadLetters(sink, limit = Infinity) {
      const rows = await database.query<DeadRow>(list, [plainText(sink), wholeNumber(limit)])
      return rows.map(({ body, customer, reason, attempts, failedAt, ...refusal }): DeadLetter => ({
        record: fromBody(body, customer),
        sink,
        reason,
        ...refusalOf(refusal),
        attempts: Number(attempts),
        failedAt: Number(failedAt),
      }))
    },
    requeue: (sink, ids) => move(requeue, sink, ids),
    discard: (sink, ids) => move(discard, sink, ids),
  }
}
