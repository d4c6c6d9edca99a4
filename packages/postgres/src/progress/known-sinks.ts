import type { Outbox } from '@token-meter/core/adapter'
import type { Database } from '../database.ts'
import { plainText } from '../sql-text.ts'

/** How long an introduction waits for transactions that have appended and not ended, in ms. */
const patienceMs = 2_000

/** Which sinks there are, and where they begin. */
export function prepareKnownSinks(database: Database): {
  readonly introduce: Outbox['introduce']
  readonly forget: Outbox['forget']
  readonly knownSinks: () => Promise<readonly string[]>
} {
  const { schema, locks } = database
  const isKnown = `SELECT FROM ${schema}.sinks WHERE name = $1`
  const add = `WITH first AS MATERIALIZED (
      SELECT coalesce(
        (SELECT min(seq) - 1 FROM ${schema}.records WHERE at >= $2::float8),
        (SELECT max(seq) FROM ${schema}.records), 0) AS before
    ), counted AS MATERIALIZED (
      SELECT (SELECT coalesce(sum(recorded), 0) FROM ${schema}.tallies)
        - (SELECT count(*) FROM ${schema}.records WHERE seq > before) AS missed
      FROM first
    )
    INSERT INTO ${schema}.sinks (name, start, cursor, missed)
    SELECT $1, before, before, missed FROM first, counted`

  return {
    async introduce(sink, sinceMs) {
      const name = plainText(sink)
      if ((await database.query(isKnown, [name])).length > 0) return false
      return await database.transaction(async (ask) => {
        // Nobody may be writing a record: one that came after the count with a number before the
        // start would be neither counted out nor delivered.
        await ask(`SET LOCAL lock_timeout = ${patienceMs}`)
        await ask(locks.everySink())
        await ask(`LOCK TABLE ${schema}.records IN SHARE MODE`)
        if ((await ask(isKnown, [name])).length > 0) return false
        await ask(add, [name, sinceMs])
        await ask(
          `UPDATE ${schema}.ledger SET solid =
             greatest(solid, (SELECT coalesce(max(seq), 0) FROM ${schema}.records))`,
        )
        return true
      })
    },
    async knownSinks() {
      const rows = await database.query<{ name: string }>(
        `SELECT name FROM ${schema}.sinks ORDER BY name`,
      )
      return rows.map(({ name }) => name)
    },
    forget: (sink) =>
      database.transaction(async (ask) => {
        await ask(locks.everySink())
        const name = [plainText(sink)]
        // Who settles locks the batch first too.
        await ask(
          `DELETE FROM ${schema}.marks WHERE batch IN (
             SELECT id FROM ${schema}.batches WHERE sink = $1)`,
          name,
        )
        for (const table of ['batches', 'items', 'holes', 'refused_events']) {
          await ask(`DELETE FROM ${schema}.${table} WHERE sink = $1`, name)
        }
        const gone = await ask(`DELETE FROM ${schema}.sinks WHERE name = $1 RETURNING 1`, name)
        return gone.length > 0
      }),
  }
}
