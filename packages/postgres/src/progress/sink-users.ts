import { type Outbox, seenForMs, type SinkMode } from '@token-meter/core/outbox'
import { type Database, moment } from '../database.ts'
import { plainText } from '../sql-text.ts'

interface SinkRow {
  readonly name: string
  readonly mode: SinkMode | null
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
    SELECT name, mode, held_for AS "heldFor", NULL AS "renamedTo", (
      SELECT max(seen_at) FROM ${schema}.sink_users, moment
      WHERE sink = name AND seen_at > ms - ${seenForMs}) AS "seenAt"
    FROM ${schema}.sinks
    UNION ALL SELECT name, NULL, '{}', became, NULL FROM ${schema}.renamed_sinks ORDER BY name`
  const see = `WITH ${moment('$3')}
    INSERT INTO ${schema}.sink_users (sink, origin, seen_at)
    SELECT name, $2::uuid, ms FROM ${schema}.sinks, moment WHERE name = $1 AND mode = $4
    ON CONFLICT (sink, origin) DO UPDATE SET seen_at = excluded.seen_at RETURNING 1`

  return {
    async sinks() {
      const rows = await database.query<SinkRow>(all, [database.nowMs])
      return rows.map(({ name, mode, seenAt, heldFor, renamedTo }) => ({
        name,
        ...(mode !== null && { mode }),
        ...(seenAt === null ? { inUse: false } : { seenAt: Number(seenAt) }),
        ...(heldFor.length > 0 && { heldFor }),
        ...(renamedTo !== null && { renamedTo }),
      }))
    },
    async attend(sink, mode) {
      const values = [plainText(sink), origin, database.nowMs, mode]
      if ((await database.query(see, values)).length > 0) return
      await database.transaction(async (ask) => {
        await ask(locks.everySink())
        await ask(
          `INSERT INTO ${schema}.sinks AS known (name, missed, mode)
           SELECT $1, pruned, $2 FROM ${schema}.ledger
           WHERE NOT EXISTS (SELECT FROM ${schema}.renamed_sinks WHERE name = $1)
           ON CONFLICT (name) DO UPDATE SET mode = excluded.mode`,
          [plainText(sink), mode],
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
