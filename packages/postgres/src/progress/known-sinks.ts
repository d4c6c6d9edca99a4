import type { Outbox } from '@token-meter/core/outbox'
import type { Ask, Database } from '../database.ts'
import { countMissed, endHold, passHeld, sentOn } from '../held-usage.ts'
import { plainText } from '../sql-text.ts'

/** How long a registration waits for transactions that have appended and not ended, in ms. */
const patienceMs = 2_000

/** Which sinks there are, and where they begin. */
export function prepareKnownSinks(database: Database): {
  readonly registerSink: Outbox['registerSink']
  readonly removeSink: Outbox['removeSink']
} {
  const { schema, locks } = database
  const isKnown = `SELECT held_to AS "heldTo" FROM ${schema}.sinks WHERE name = $1
    UNION ALL SELECT 0 FROM ${schema}.renamed_sinks WHERE name = $1`
  const addHeld = `INSERT INTO ${schema}.sinks (name, missed, held_to, held_for)
    SELECT $1, pruned, coalesce(before, 0),
      CASE WHEN before >= oldest THEN $2::text[] ELSE '{}' END
    FROM ${schema}.ledger, (SELECT min(seq) AS oldest, coalesce(
      (SELECT seq - 1 FROM ${schema}.records WHERE id = $3), max(seq)) AS before
      FROM ${schema}.records) AS kept`
  /** What is held goes out from a moment on, and is not counted before it. */
  const begin = [
    `UPDATE ${schema}.sinks SET start = greatest(start, coalesce((SELECT min(seq) - 1
       FROM ${schema}.records WHERE seq > start AND seq <= held_to AND at >= $2::float8), held_to))
     WHERE name = $1`,
    `DELETE FROM ${schema}.items WHERE sink = $1 AND held = 1
       AND seq <= (SELECT start FROM ${schema}.sinks WHERE name = $1) AND $2::float8 IS NOT NULL`,
    `UPDATE ${schema}.items SET ${sentOn(schema)}, held = 0 WHERE sink = $1 AND held = 1
       AND seq <= (SELECT held_to FROM ${schema}.sinks WHERE name = $1) AND $2::float8 IS NOT NULL`,
  ]
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

  /** Those that may have been the one that is forgotten are really new. */
  const releaseFor = async (ask: Ask, sink: string) => {
    const rows = await ask<{ name: string; left: unknown }>(
      `UPDATE ${schema}.sinks SET held_for = array_remove(held_for, $1)
       WHERE $1 = ANY (held_for) RETURNING name, cardinality(held_for) AS left`,
      [sink],
    )
    for (const { name, left } of rows) {
      if (Number(left) > 0) continue
      await ask(
        `UPDATE ${schema}.items SET ${sentOn(schema)}, held = 0 WHERE sink = $1 AND held = 1
           AND seq <= (SELECT held_to FROM ${schema}.sinks WHERE name = $1)`,
        [name],
      )
      await ask(endHold(schema), [name])
    }
  }

  return {
    async registerSink(sink, { sinceMs = -Infinity, heldFor = [], beforeId = '' }) {
      const name = plainText(sink)
      const [known] = await database.query<{ heldTo: unknown }>(isKnown, [name])
      if (known !== undefined && Number(known.heldTo) === 0) return false
      if (known !== undefined || heldFor.length > 0) {
        return await database.transaction(async (ask) => {
          await ask(locks.everySink())
          const [now] = await ask<{ heldTo: unknown }>(isKnown, [name])
          if (now === undefined && known === undefined) {
            await ask(addHeld, [name, heldFor.map(plainText), plainText(beforeId)])
            return true
          }
          if (known === undefined || now === undefined || Number(now.heldTo) === 0) return false
          await passHeld(ask, schema, name)
          for (const step of begin) await ask(step, [name, sinceMs])
          await ask(endHold(schema), [name])
          await ask(countMissed(schema), [name])
          return true
        })
      }
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
    removeSink: (sink) =>
      database.transaction(async (ask) => {
        await ask(locks.everySink())
        const name = [plainText(sink)]
        // Who settles locks the batch first too.
        await ask(
          `DELETE FROM ${schema}.marks WHERE batch IN (
             SELECT id FROM ${schema}.batches WHERE sink = $1)`,
          name,
        )
        for (const table of ['batches', 'items', 'holes', 'refused_events', 'sink_users']) {
          await ask(`DELETE FROM ${schema}.${table} WHERE sink = $1`, name)
        }
        const gone = await ask(`DELETE FROM ${schema}.sinks WHERE name = $1 RETURNING 1`, name)
        const unnamed = await ask(
          `DELETE FROM ${schema}.renamed_sinks WHERE name = $1 OR became = $1 RETURNING 1`,
          name,
        )
        await releaseFor(ask, plainText(sink))
        return gone.length > 0 || unnamed.length > 0
      }),
  }
}
