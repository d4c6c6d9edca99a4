import type { Outbox, SinkStats } from '@token-meter/core/outbox'
import type { RecordRow } from './append/append.ts'
import { type Database, moment } from './database.ts'
import { plainText } from './sql-text.ts'

type Progress = Pick<
  Outbox,
  'position' | 'isSettled' | 'nextDueAt' | 'expedite' | 'stats' | 'recorded' | 'restored'
>
type Counters = Readonly<Record<Exclude<keyof SinkStats, 'pending'>, unknown>>

/**
 * How far a sink has come. Each answer is one statement, so that it is one moment's.
 * @param spooled records that may be on their way here: those that are not here yet are pending.
 */
export function prepareProgress(
  database: Database,
  spooled: () => Promise<readonly RecordRow[]>,
): Progress {
  const { schema } = database
  // Only what can be seen counts: a number in a hole may belong to another machine's open
  // transaction, which is nothing that was appended by then.
  const isFresh = `(
    EXISTS (SELECT FROM ${schema}.records WHERE customer IS NOT NULL AND seq <= $2::bigint
      AND seq > coalesce((SELECT cursor FROM ${schema}.sinks WHERE name = $1), 0))
    OR EXISTS (SELECT FROM ${schema}.holes JOIN ${schema}.records USING (seq)
      WHERE sink = $1 AND seq <= $2::bigint AND customer IS NOT NULL)
    OR EXISTS (SELECT FROM ${schema}.items
      WHERE sink = $1 AND state = 'requeued' AND seq <= $2::bigint))`
  const isPending = `SELECT ${isFresh} OR EXISTS (
      SELECT FROM ${schema}.batches JOIN ${schema}.items ON items.batch = batches.id
      WHERE batches.sink = $1 AND items.seq <= $2::bigint) AS pending`
  const due = `WITH ${moment('$3')}
    SELECT ${isFresh} AS fresh,
      (SELECT min(due_at) FROM ${schema}.batches WHERE sink = $1) - ms AS wait
    FROM moment`
  const expedite = `WITH ${moment('$2')}
    UPDATE ${schema}.batches SET due_at = ms FROM moment
    WHERE sink = $1 AND lease IS NULL AND due_at > ms`
  // Looked for one by one: a join could read the whole table.
  const coming = (parameters: string) => `coming AS MATERIALIZED (
      SELECT at, billable FROM unnest(${parameters}) AS given (id, at, billable)
      WHERE (SELECT there.id FROM ${schema}.records AS there WHERE there.id = given.id) IS NULL)`
  const recorded = `SELECT coalesce(sum(recorded), 0) AS recorded FROM ${schema}.tallies`
  const allRecorded = `WITH ${coming('$1::text[], $2::float8[], $3::boolean[]')}
    SELECT (${recorded}) + (SELECT count(*) FROM coming) AS recorded`
  const comingValues = async () => {
    const rows = await spooled()
    return [
      rows.map(({ id }) => id),
      rows.map(({ at }) => at),
      rows.map(({ customer }) => customer !== null),
    ]
  }
  const stats = `WITH ${coming('$2::text[], $3::float8[], $4::boolean[]')}
    SELECT (${recorded}) + (SELECT count(*) FROM coming) - coalesce(missed, pruned) AS recorded,
      coalesce(delivered, 0) AS delivered,
      (SELECT count(*) FROM ${schema}.items WHERE sink = $1 AND state = 'dead') AS dead,
      (SELECT count(*) FROM ${schema}.records
        WHERE customer IS NULL AND seq > coalesce(start, 0))
        + (SELECT count(*) FROM coming WHERE NOT billable) AS unattributed,
      coalesce(discarded, 0) AS discarded,
      coalesce(covered, 0) AS covered,
      (SELECT count(*) FROM ${schema}.items WHERE sink = $1 AND held = 1) AS held,
      least((SELECT min(at) FROM coming WHERE billable), (SELECT at FROM ${schema}.records WHERE seq = least(
        (SELECT min(seq) FROM ${schema}.items WHERE sink = $1 AND state = 'requeued'),
        (SELECT min(least) FROM ${schema}.batches CROSS JOIN LATERAL (
          SELECT min(seq) AS least FROM ${schema}.items WHERE items.batch = batches.id) AS held
          WHERE batches.sink = $1),
        (SELECT min(seq) FROM ${schema}.holes WHERE sink = $1 AND EXISTS (
          SELECT FROM ${schema}.records WHERE records.seq = holes.seq AND customer IS NOT NULL)),
        (SELECT seq FROM ${schema}.records WHERE customer IS NOT NULL
          AND seq > coalesce(cursor, 0) ORDER BY seq LIMIT 1)))) AS "oldestPendingAt"
    FROM ${schema}.ledger LEFT JOIN ${schema}.sinks ON name = $1`

  return {
    async position() {
      const rows = await database.query<{ position: unknown }>(
        `SELECT coalesce(max(seq), 0) AS position FROM ${schema}.records`,
      )
      return Number(rows[0]?.position)
    },
    async isSettled(sink, mark) {
      const rows = await database.query<{ pending: boolean }>(isPending, [plainText(sink), mark])
      return rows[0]?.pending === false
    },
    async nextDueAt(sink) {
      const values = [plainText(sink), Number.MAX_SAFE_INTEGER, database.nowMs]
      const rows = await database.query<{ fresh: boolean; wait: unknown }>(due, values)
      const { fresh, wait } = rows[0] ?? { fresh: false, wait: null }
      if (fresh) return database.localNowMs
      // The caller compares it with its own clock, which may not be the database's.
      return wait === null ? undefined : database.localNowMs + Number(wait)
    },
    async expedite(sink) {
      await database.query(expedite, [plainText(sink), database.nowMs])
    },
    async stats(sink) {
      const rows = await database.query<Counters>(stats, [
        plainText(sink),
        ...(await comingValues()),
      ])
      const count = (name: keyof Counters): number => Number(rows[0]?.[name] ?? 0)
      const settled = {
        delivered: count('delivered'),
        dead: count('dead'),
        unattributed: count('unattributed'),
        discarded: count('discarded'),
        held: count('held'),
      }
      const covered = count('covered')
      const { delivered, dead, unattributed, discarded, held } = settled
      const all = count('recorded')
      const oldestPendingAt = rows[0]?.oldestPendingAt ?? null
      return {
        recorded: all,
        pending: all - delivered - dead - unattributed - discarded - held - covered,
        ...settled,
        ...(covered > 0 && { covered }),
        ...(oldestPendingAt !== null && { oldestPendingAt: Number(oldestPendingAt) }),
      }
    },
    async restored() {
      const rows = await database.query<{ restored: number }>(
        `SELECT restored FROM ${schema}.identity`,
      )
      return Number(rows[0]?.restored ?? 0)
    },
    async recorded() {
      const rows = await database.query<{ recorded: unknown }>(allRecorded, await comingValues())
      return Number(rows[0]?.recorded)
    },
  }
}
