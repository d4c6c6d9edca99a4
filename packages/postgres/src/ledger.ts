import {
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
  type Outbox,
  type RecordState,
  fromBody,
  refusalOf,
  stateSql,
} from '@token-meter/core/outbox'
import type { Database } from './database.ts'
import { doubtOf } from './heartbeat.ts'
import { plainText, refusedEventIds, refusedEvents, wholeNumber } from './sql-text.ts'

interface LedgerRow {
  readonly seq: unknown
  readonly body: string
  readonly customer: string | null
  readonly state: RecordState
  readonly reason: string | null
  readonly code: string | null
  readonly since: unknown
  readonly delivered: string
  readonly refused: string | null
}

/** Whether the cursor of the sink $1 has passed a record. */
function isPassedSql(schema: string): string {
  return `records.seq <= cursor AND NOT EXISTS (
    SELECT FROM ${schema}.holes WHERE holes.sink = $1 AND holes.seq = records.seq)`
}

/** Reads the ledger in the order of its keys: an index for any other would cost every append. */
export function prepareLedgerPage(
  database: Database,
): (sink: string, query?: LedgerQuery) => Promise<LedgerPage> {
  const { schema } = database
  const isPassed = isPassedSql(schema)
  const statement = `SELECT * FROM (
      SELECT records.seq, body, customer, reason, code, since,
        coalesce(array_to_json(delivered_event_ids)::text, '[]') AS delivered,
        ${refusedEvents(schema, '$1', 'records.seq')} AS refused,
        ${stateSql(isPassed)} AS state
      FROM ${schema}.records
        LEFT JOIN ${schema}.sinks ON sinks.name = $1
        LEFT JOIN ${schema}.items ON items.sink = $1 AND items.seq = records.seq
      WHERE records.seq > greatest($2::bigint, start)
        AND ($3::text IS NULL OR customer = $3)
        AND ($4::float8 IS NULL OR at >= $4) AND ($5::float8 IS NULL OR at < $5)
    ) AS entry
    WHERE $6::text[] IS NULL OR state = ANY ($6::text[])
    ORDER BY seq LIMIT $7::bigint`

  return async (sink, { customer, fromMs, untilMs, states, after = 0, limit = 1000 } = {}) => {
    const wanted = wholeNumber(limit, 1)
    const rows = await database.query<LedgerRow>(statement, [
      plainText(sink),
      after,
      customer === undefined ? null : plainText(customer),
      fromMs ?? null,
      untilMs ?? null,
      states ?? null,
      // One more than is wanted tells whether there is a next page.
      wanted + 1,
    ])
    const entries = rows.slice(0, wanted).map(toEntry)
    const last = rows[wanted - 1]
    return rows.length > wanted ? { entries, next: Number(last?.seq) } : { entries }
  }
}

function toEntry(row: LedgerRow): LedgerEntry {
  return {
    record: fromBody(row.body, row.customer),
    state: row.state,
    deliveredEventIds: JSON.parse(row.delivered) as string[],
    ...(row.reason !== null && { reason: row.reason }),
    ...refusalOf(row),
    ...refusedEventIds(row.refused),
  }
}

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

/** Looking records up, and naming the customer of those that came without one. */
export function prepareRecords(
  database: Database,
): Pick<Outbox, 'find' | 'unattributed' | 'attribute' | 'statesOf'> {
  const { schema, locks } = database
  const states = `SELECT records.id, ${stateSql(isPassedSql(schema))} AS state
    FROM ${schema}.records LEFT JOIN ${schema}.sinks ON sinks.name = $1
      LEFT JOIN ${schema}.items ON items.sink = $1 AND items.seq = records.seq
    WHERE records.id = ANY ($2::text[]) AND records.seq > coalesce(start, 0)`
  // Where a sink's cursor has passed the record, it has to be told to go back for it; one that is
  // in a hole is met there.
  const requeuePassed = `INSERT INTO ${schema}.items (sink, seq, state, uncertain_since)
    SELECT name, seq, 'requeued', ${doubtOf(schema, 'seq')} FROM ${schema}.records JOIN ${schema}.sinks
      ON seq > start AND seq <= cursor
    WHERE customer IS NULL AND id = ANY ($1::text[])
      AND NOT EXISTS (SELECT FROM ${schema}.holes WHERE sink = name AND holes.seq = records.seq)`
  const name = `UPDATE ${schema}.records SET customer = $2
    WHERE customer IS NULL AND id = ANY ($1::text[]) RETURNING 1`

  return {
    async statesOf(sink, ids) {
      const rows = await database.query<{ id: string; state: RecordState }>(states, [
        plainText(sink),
        ids.map(plainText),
      ])
      const byId = new Map(rows.map(({ id, state }) => [id, state]))
      return ids.map((id) => byId.get(plainText(id)))
    },
    async find(id) {
      const rows = await database.query<RecordRow>(
        `SELECT body, customer FROM ${schema}.records WHERE id = $1`,
        [plainText(id)],
      )
      return rows.map(({ body, customer }) => fromBody(body, customer))[0]
    },
    async unattributed(limit = Infinity) {
      const rows = await database.query<RecordRow>(
        `SELECT body, customer FROM ${schema}.records WHERE customer IS NULL
         ORDER BY seq LIMIT $1::bigint`,
        [wholeNumber(limit)],
      )
      return rows.map(({ body, customer }) => fromBody(body, customer))
    },
    attribute: (ids, customer) =>
      database.transaction(async (ask) => {
        await ask(locks.everySink())
        const names = ids.map(plainText)
        await ask(requeuePassed, [names])
        return (await ask(name, [names, plainText(customer)])).length
      }),
  }
}

/** Records looked at at a time, so few that a claim elsewhere waits only some ms for their deletion. */
const windowSize = 2000

interface OldRow {
  readonly at: unknown
  readonly seq: string
  readonly settled: boolean
}

/** Deletes settled records window by window, from the oldest on. */
export function preparePrune(
  database: Database,
): (beforeMs: number, isClosed: () => boolean) => Promise<number> {
  const { schema, locks } = database
  const isSettled = `coalesce(seq <= (SELECT min(cursor) FROM ${schema}.sinks)
    AND seq <= (SELECT solid FROM ${schema}.ledger)
    AND NOT EXISTS (SELECT FROM ${schema}.items
      WHERE items.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks))
        AND items.seq = records.seq AND state <> 'discarded')
    AND NOT EXISTS (SELECT FROM ${schema}.holes
      WHERE holes.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks))
        AND holes.seq = records.seq), false)`
  // Without a lock: every process looks here every hour, and most find nothing.
  const old = `SELECT at, seq::text AS seq, ${isSettled} AS settled FROM ${schema}.records
    WHERE customer IS NOT NULL AND at < $1::float8 AND (at, seq) > ($2::float8, $3::bigint)
    ORDER BY at, records.seq LIMIT ${windowSize}`
  // Where no number can turn up any more for one sink, none can for any. Numbers that are pruned
  // are looked for by nobody, not by a sink that comes later either.
  const settle = `UPDATE ${schema}.ledger SET solid = greatest(solid, (
      SELECT max(least(cursor, (SELECT min(seq) - 1 FROM ${schema}.holes WHERE sink = name)))
      FROM ${schema}.sinks))`
  const remove = `WITH deleted AS (
      DELETE FROM ${schema}.records
      WHERE seq = ANY ($1::bigint[]) AND customer IS NOT NULL AND ${isSettled}
      RETURNING seq
    ), discarded AS (
      DELETE FROM ${schema}.items USING deleted
      WHERE items.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks)) AND items.seq = deleted.seq
      RETURNING items.sink, items.held
    ), given_up AS (
      UPDATE ${schema}.sinks SET discarded = discarded + (
        SELECT count(*) FROM discarded WHERE sink = name AND held = 1)
      WHERE name IN (SELECT sink FROM discarded WHERE held = 1)
    ), refused AS (
      DELETE FROM ${schema}.refused_events AS refused USING deleted
      WHERE refused.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks))
        AND refused.seq = deleted.seq
    ), counted AS (
      UPDATE ${schema}.ledger SET pruned = pruned + (SELECT count(*) FROM deleted)
      WHERE EXISTS (SELECT FROM deleted))
    SELECT count(*) AS count FROM deleted`

  // Processes come and go, and what a caller's transaction recorded has a tally of its own. One that
  // is being written to is left for the next time.
  const addUp = `WITH old AS (
      DELETE FROM ${schema}.tallies WHERE origin IN (
        SELECT origin FROM ${schema}.tallies FOR UPDATE SKIP LOCKED) RETURNING recorded)
    INSERT INTO ${schema}.tallies (origin, recorded)
    SELECT gen_random_uuid(), sum(recorded) FROM old HAVING count(*) > 0`

  const pruneSettled = (numbers: readonly string[]): Promise<number> =>
    database.transaction(async (ask) => {
      await ask(locks.everySink())
      const rows = await ask<{ count: unknown }>(remove, [numbers])
      return Number(rows[0]?.count)
    })

  return async (beforeMs, isClosed) => {
    if (isClosed()) return 0
    await database.transaction(async (ask) => {
      await ask(locks.everySink())
      await ask(settle)
    })
    let count = 0
    let seen: readonly unknown[] = [-Infinity, 0]
    while (!isClosed()) {
      const rows = await database.query<OldRow>(old, [beforeMs, ...seen])
      const numbers = rows.filter(({ settled }) => settled).map(({ seq }) => seq)
      if (numbers.length > 0) count += await pruneSettled(numbers)
      const last = rows.at(-1)
      if (last === undefined || rows.length < windowSize) break
      seen = [Number(last.at), last.seq]
    }
    if (!isClosed()) await database.query(addUp)
    return count
  }
}
