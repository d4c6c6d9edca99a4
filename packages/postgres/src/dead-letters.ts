import {
  type Correction,
  type DeadLetter,
  type KnownEvents,
  type Outbox,
  type SettledState,
  correctedEvents,
  fromBody,
  isCoveredSql,
  refusalOf,
  requeuedAfresh,
} from '@token-meter/core/outbox'
import { type Database, moment } from './database.ts'
import { idList, plainText, wholeNumber } from './sql-text.ts'

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
  const requeue = `WITH moved AS (
      UPDATE ${schema}.items SET ${requeuedAfresh}
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

type Correct = Outbox['correct']

type Settled = SettledState | 'covered'

interface SettledRow {
  readonly seq: string
  readonly state: Settled
  readonly delivered: string
  readonly refused: string
}

/** Moves records that a sink has settled from one end to another. */
export function prepareCorrect(database: Database): Correct {
  const { schema, locks } = database
  // Nobody else may move them meanwhile: `requeue` and `discard` hold no other lock.
  const hold = `SELECT FROM ${schema}.items
    WHERE sink = $1 AND state IN ('dead', 'discarded') AND held <> 1 AND seq IN (
      SELECT seq FROM ${schema}.records WHERE id = ANY ($2::text[]))
    ORDER BY seq FOR UPDATE`
  const settled = `SELECT records.seq::text AS seq,
      CASE WHEN ${isCoveredSql} THEN 'covered' ELSE coalesce(items.state, 'delivered') END AS state,
      coalesce(array_to_json(delivered_event_ids)::text, '[]') AS delivered,
      coalesce(array_to_json(refused.ids)::text, '[]') AS refused
    FROM ${schema}.records JOIN ${schema}.sinks
        ON name = $1 AND records.seq > start AND records.seq <= cursor
      LEFT JOIN ${schema}.items ON items.sink = $1 AND items.seq = records.seq
      LEFT JOIN ${schema}.refused_events AS refused
        ON refused.sink = $1 AND refused.seq = records.seq
    WHERE customer IS NOT NULL AND (items.state IS NULL OR items.state IN ('dead', 'discarded'))
      AND items.held IS DISTINCT FROM 1 AND NOT EXISTS (SELECT FROM ${schema}.holes WHERE holes.sink = $1 AND holes.seq = records.seq)
      AND records.id = ANY ($2::text[])
    ORDER BY records.seq`
  const deliver = `DELETE FROM ${schema}.items WHERE sink = $1 AND seq = ANY ($2::bigint[])`
  const move = `WITH ${moment('$5')}
    INSERT INTO ${schema}.items (sink, seq, state, attempts, reason, code, since, failed_at)
    SELECT $1, seq, $3, 1, $4, $6, $7::float8, ms FROM moment, unnest($2::bigint[]) AS seq
    ON CONFLICT (sink, seq) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, code = excluded.code,
      since = excluded.since, failed_at = excluded.failed_at`
  const learn = `UPDATE ${schema}.items SET delivered_event_ids = $3::text[]
    WHERE sink = $1 AND seq = $2::bigint`
  const refuse = `INSERT INTO ${schema}.refused_events (sink, seq, ids)
    VALUES ($1, $2::bigint, $3::text[])
    ON CONFLICT (sink, seq) DO UPDATE SET ids = excluded.ids`
  const count = `UPDATE ${schema}.sinks SET delivered = delivered + $2, discarded = discarded + $3,
      covered = covered + $4 WHERE name = $1`

  return (sink, ids, correction) =>
    database.transaction(async (ask) => {
      const { state: to, reason } = correction
      const name = plainText(sink)
      // No claim moves the cursor meanwhile, and no other correction counts the same records.
      await ask(locks.sink(name))
      const named = [name, ids.map(plainText)]
      await ask(hold, named)
      const rows = await ask<SettledRow>(settled, named)
      const corrected = rows.flatMap((row) => correctedRow(row, correction))
      const moved = corrected.filter(({ from }) => from !== to)
      if (moved.length > 0) {
        const numbers = moved.map(({ seq }) => seq)
        if (to === 'delivered') await ask(deliver, [name, numbers])
        else {
          const { code, since = null } = refusalOf(correction)
          const why = [plainText(reason), database.nowMs, code ? plainText(code) : null, since]
          await ask(move, [name, numbers, to, ...why])
        }
        const gained = (state: Settled): number =>
          (state === to ? moved.length : 0) - moved.filter(({ from }) => from === state).length
        const gains = [gained('delivered'), gained('discarded'), gained('covered')]
        await ask(count, [name, ...gains])
      }
      for (const { seq, known } of corrected) {
        if (known === undefined) continue
        await ask(learn, [name, seq, known.deliveredEventIds.map(plainText)])
        if (known.refusedEventIds.length === 0) continue
        await ask(refuse, [name, seq, known.refusedEventIds.map(plainText)])
      }
      return moved.length
    })
}

interface CorrectedRow {
  readonly seq: string
  readonly from: Settled
  /** What is known of single events from now on, where that changes. */
  readonly known: KnownEvents | undefined
}

/** None where the report is one that was made before. */
function correctedRow(row: SettledRow, correction: Correction): readonly CorrectedRow[] {
  const { seq, state: from } = row
  const before = {
    deliveredEventIds: JSON.parse(row.delivered) as string[],
    refusedEventIds: JSON.parse(row.refused) as string[],
  }
  const known = correctedEvents(before, from === 'covered' ? 'discarded' : from, correction)
  if (known === undefined) return []
  return [{ seq, from, known: known === before ? undefined : known }]
}
