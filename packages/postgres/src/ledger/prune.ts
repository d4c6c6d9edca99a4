import type { Database } from '../database.ts'

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
