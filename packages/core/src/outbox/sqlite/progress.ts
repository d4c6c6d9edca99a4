import type { DatabaseSync } from 'node:sqlite'
import type { Outbox, SinkStats } from '../outbox.ts'

interface StatsRow extends Omit<SinkStats, 'pending' | 'oldestPendingAt' | 'covered'> {
  readonly covered: number
  readonly oldestPendingAt: number | null
}

/** How far a sink has come. Each answer is one statement, so that it is one moment's. */
export function prepareProgress(
  database: DatabaseSync,
  now: () => number,
): Pick<
  Outbox,
  'position' | 'isSettled' | 'nextDueAt' | 'expedite' | 'stats' | 'recorded' | 'restored'
> {
  const restored = database.prepare('SELECT restored FROM identity')
  const position = database.prepare('SELECT coalesce(max(seq), 0) AS position FROM records')
  const anyPending = database.prepare(
    `SELECT 1 WHERE
       EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued' AND seq <= :mark)
       OR EXISTS (SELECT 1 FROM batches JOIN items ON items.batch = batches.id
         WHERE batches.sink = :sink AND items.seq <= :mark)
       OR EXISTS (SELECT 1 FROM records WHERE seq <= :mark AND customer IS NOT NULL
         AND seq > coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0))`,
  )
  const due = database.prepare(
    `SELECT
       EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued')
       OR EXISTS (SELECT 1 FROM records WHERE customer IS NOT NULL
         AND seq > coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0)) AS isNow,
       (SELECT min(due_at) FROM batches WHERE sink = :sink) AS dueAt`,
  )
  const expedite = database.prepare(
    'UPDATE batches SET due_at = :nowMs WHERE sink = :sink AND lease IS NULL AND due_at > :nowMs',
  )
  const stats = database.prepare(
    `SELECT
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0)
         - coalesce(missed, pruned) AS recorded,
       coalesce(delivered, 0) AS delivered,
       (SELECT count(*) FROM items WHERE sink = :sink AND state = 'dead') AS dead,
       (SELECT count(*) FROM records WHERE customer IS NULL AND seq >= coalesce(first, 1))
         AS unattributed,
       coalesce(discarded, 0) AS discarded,
       coalesce(covered, 0) AS covered,
       (SELECT count(*) FROM items WHERE sink = :sink AND held = 1) AS held,
       (SELECT at FROM records WHERE seq = (SELECT min(seq) FROM (
         SELECT min(seq) AS seq FROM items WHERE sink = :sink AND state = 'requeued'
         UNION ALL SELECT (SELECT min(seq) FROM items WHERE batch = batches.id)
           FROM batches WHERE batches.sink = :sink
         UNION ALL SELECT (SELECT seq FROM records
           WHERE customer IS NOT NULL AND seq > coalesce(cursor, 0) ORDER BY seq LIMIT 1))))
         AS oldestPendingAt
     FROM ledger LEFT JOIN sinks ON name = :sink`,
  )
  const everRecorded = database.prepare(
    `SELECT coalesce(max(seq), 0) AS recorded FROM sqlite_sequence WHERE name = 'records'`,
  )

  return {
    position: () => (position.get() as { position: number }).position,
    isSettled: (sink, mark) => anyPending.get({ sink, mark }) === undefined,
    nextDueAt(sink) {
      const { isNow, dueAt } = due.get({ sink }) as { isNow: number; dueAt: number | null }
      return isNow === 1 ? now() : (dueAt ?? undefined)
    },
    expedite(sink) {
      expedite.run({ sink, nowMs: now() })
    },
    stats(sink) {
      const row = stats.get({ sink }) as unknown as StatsRow
      const { recorded, covered, oldestPendingAt, ...settled } = row
      const { delivered, dead, unattributed, discarded, held } = settled
      const pending = recorded - delivered - dead - unattributed - discarded - held - covered
      const of = { delivered, dead, unattributed, discarded, held }
      const counts = { recorded, pending, ...of, ...(covered > 0 && { covered }) }
      return oldestPendingAt === null ? counts : { ...counts, oldestPendingAt }
    },
    restored: () => (restored.get() as { restored: number }).restored,
    recorded: () => (everRecorded.get() as { recorded: number }).recorded,
  }
}
