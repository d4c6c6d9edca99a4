import type { Database } from '../database.ts'

/** Records looked at in one transaction, so few that a claim elsewhere waits only some ms. */
const windowSize = 2000

/** Deletes settled records window by window. */
export function preparePrune(
  database: Database,
): (beforeMs: number, isClosed: () => boolean) => Promise<number> {
  const { schema, locks } = database
  const windowStart = `SELECT min(seq) AS seq FROM ${schema}.records WHERE seq > $1::bigint`
  // Where no number can turn up any more for one sink, none can for any. Numbers that are pruned
  // are looked for by nobody, not by a sink that comes later either.
  const settle = `UPDATE ${schema}.ledger SET solid = greatest(solid, (
      SELECT max(least(cursor, (SELECT min(seq) - 1 FROM ${schema}.holes WHERE sink = name)))
      FROM ${schema}.sinks))`
  const remove = `WITH deleted AS (
      DELETE FROM ${schema}.records
      WHERE seq BETWEEN $1::bigint AND $2::bigint AND at < $3::float8 AND customer IS NOT NULL
        AND seq <= (SELECT min(cursor) FROM ${schema}.sinks)
        AND seq <= (SELECT solid FROM ${schema}.ledger)
        AND NOT EXISTS (SELECT FROM ${schema}.items
          WHERE items.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks))
            AND items.seq = records.seq AND state <> 'discarded')
        AND NOT EXISTS (SELECT FROM ${schema}.holes
          WHERE holes.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks))
            AND holes.seq = records.seq)
      RETURNING seq
    ), discarded AS (
      DELETE FROM ${schema}.items USING deleted
      WHERE items.sink = ANY (ARRAY(SELECT name FROM ${schema}.sinks)) AND items.seq = deleted.seq
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

  const pruneWindow = (from: number, beforeMs: number): Promise<number> =>
    database.transaction(async (ask) => {
      await ask(locks.everySink())
      const values = [from, from + windowSize - 1, beforeMs]
      const rows = await ask<{ count: unknown }>(remove, values)
      return Number(rows[0]?.count)
    })

  return async (beforeMs, isClosed) => {
    if (isClosed()) return 0
    await database.transaction(async (ask) => {
      await ask(locks.everySink())
      await ask(settle)
    })
    let count = 0
    let seen = 0
    while (!isClosed()) {
      const rows = await database.query<{ seq: unknown }>(windowStart, [seen])
      const seq = rows[0]?.seq ?? null
      if (seq === null) break
      count += await pruneWindow(Number(seq), beforeMs)
      seen = Number(seq) + windowSize - 1
    }
    if (!isClosed()) await database.query(addUp)
    return count
  }
}
