import { type Outbox, type SinkMode, type SinkValue, seenForMs } from '@token-meter/core/outbox'
import { type Ask, type Database, moment } from './database.ts'
import { beginOldAt, sendOldOn } from './held-usage.ts'
import { plainText } from './sql-text.ts'

interface SinkRow {
  readonly name: string
  readonly mode: SinkMode | null
  readonly value: SinkValue | null
  readonly seenAt: unknown
  readonly heldFor: readonly string[]
  readonly renamedTo: string | null
}

/**
 * Who delivers to which sink. The database cannot tell whether a process still runs, only when it
 * was last seen.
 * @param origin this process.
 */
export function prepareSinkUsers(
  database: Database,
  origin: string,
): Pick<Outbox, 'sinks' | 'attend' | 'leave'> {
  const { schema, locks } = database
  const all = `WITH ${moment('$1')}
    SELECT name, mode, value, held_for AS "heldFor", NULL AS "renamedTo", (
      SELECT max(seen_at) FROM ${schema}.sink_users, moment
      WHERE sink = name AND seen_at > ms - ${seenForMs}) AS "seenAt"
    FROM ${schema}.sinks
    UNION ALL SELECT name, NULL, NULL, '{}', became, NULL FROM ${schema}.renamed_sinks ORDER BY name`
  const see = `WITH ${moment('$3')}
    INSERT INTO ${schema}.sink_users (sink, origin, seen_at)
    SELECT name, $2::uuid, ms FROM ${schema}.sinks, moment WHERE name = $1 AND mode = $4
      AND value IS NOT DISTINCT FROM $5
    ON CONFLICT (sink, origin) DO UPDATE SET seen_at = excluded.seen_at RETURNING 1`

  return {
    async sinks() {
      const rows = await database.query<SinkRow>(all, [database.nowMs])
      return rows.map(({ name, mode, value, seenAt, heldFor, renamedTo }) => ({
        name,
        ...(mode !== null && { mode }),
        ...(value !== null && { value }),
        ...(seenAt === null ? { inUse: false } : { seenAt: Number(seenAt) }),
        ...(heldFor.length > 0 && { heldFor }),
        ...(renamedTo !== null && { renamedTo }),
      }))
    },
    async attend(sink, mode, value) {
      const values = [plainText(sink), origin, database.nowMs, mode, value ?? null]
      if ((await database.query(see, values)).length > 0) return
      await database.transaction(async (ask) => {
        await ask(locks.everySink())
        await ask(
          `INSERT INTO ${schema}.sinks AS known (name, missed, mode, value)
           SELECT $1, pruned, $2, $3 FROM ${schema}.ledger
           WHERE NOT EXISTS (SELECT FROM ${schema}.renamed_sinks WHERE name = $1)
           ON CONFLICT (name) DO UPDATE SET mode = excluded.mode, value = excluded.value`,
          [plainText(sink), mode, value ?? null],
        )
        // Those of processes that are long gone.
        await ask(
          `WITH ${moment('$1')} DELETE FROM ${schema}.sink_users USING moment
           WHERE seen_at < ms - ${seenForMs * 100}`,
          [database.nowMs],
        )
      })
      await database.query(see, values)
    },
    async leave(sink) {
      await database.query(
        `DELETE FROM ${schema}.sink_users WHERE sink = $1 AND origin = $2::uuid`,
        [plainText(sink), origin],
      )
    },
  }
}

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

  /** Those that may have been the one that is removed are really new. */
  const releaseFor = async (ask: Ask, sink: string) => {
    const rows = await ask<{ name: string; left: unknown }>(
      `UPDATE ${schema}.sinks SET held_for = array_remove(held_for, $1)
       WHERE $1 = ANY (held_for) RETURNING name, cardinality(held_for) AS left`,
      [sink],
    )
    for (const { name, left } of rows) {
      if (Number(left) > 0) continue
      await sendOldOn(ask, schema, name)
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
          await beginOldAt(ask, schema, { sink: name, sinceMs })
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
