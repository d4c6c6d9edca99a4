import type { DatabaseSync } from 'node:sqlite'
import type { Batch, BatchEntry } from '../outbox.ts'
import { inTransaction } from './in-transaction.ts'
import { newLease, prepareReleaseOfTheDead } from './lease-owner.ts'
import { fromBody } from '../record-body.ts'
import { prepareIsRipe } from './ripe.ts'

interface EntryRow {
  readonly seq: number
  readonly body: string
  readonly customer: string | null
  readonly attempts: number
  readonly firstAttemptAt: number
  readonly uncertainSince: number | null
  readonly deliveredEventIds: string
  readonly refusedEventIds: string | null
}

export function prepareClaim(
  database: DatabaseSync,
  now: () => number,
): (sink: string, limit: number, leaseMs: number, lingerMs?: number) => Batch | undefined {
  const newBatch = prepareNewBatch(database)
  const isRipe = prepareIsRipe(database)
  const releaseOfTheDead = prepareReleaseOfTheDead(database)
  /** Sinks whose last claim was a retry: fresh records come next, or retries could starve them. */
  const gotRetry = new Set<string>()
  // Read without a lock, so that a sink with nothing to do holds up no other process.
  const idle = database.prepare(
    `SELECT 1 FROM sinks
     WHERE name = :sink
       AND (:rests OR (cursor >= (SELECT coalesce(max(seq), 0) FROM records)
         AND NOT EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued')))
       AND NOT EXISTS (SELECT 1 FROM batches WHERE sink = :sink AND due_at <= :nowMs)`,
  )
  const introduce = database.prepare(
    `INSERT INTO sinks (name, missed) SELECT :sink, pruned FROM ledger
     WHERE NOT EXISTS (SELECT 1 FROM sinks WHERE name = :sink)`,
  )
  const dueBatch = database.prepare(
    'SELECT id FROM batches WHERE sink = ? AND due_at <= ? ORDER BY due_at, number LIMIT 1',
  )
  const lease = database.prepare(
    `INSERT INTO batches (id, sink, lease, claimed_at, due_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE
     SET lease = excluded.lease, claimed_at = excluded.claimed_at, due_at = excluded.due_at`,
  )
  // A batch that still has a lease was never settled: what its holder sent may have arrived.
  const attempt = database.prepare(
    `UPDATE items SET attempts = attempts + 1,
       first_attempt_at = coalesce(first_attempt_at, :nowMs),
       uncertain_since = coalesce(uncertain_since,
         (SELECT claimed_at FROM batches WHERE id = :id AND lease IS NOT NULL))
     WHERE batch = :id`,
  )
  const entries = database.prepare(
    `SELECT records.seq AS seq, body, customer, attempts, first_attempt_at AS firstAttemptAt,
       uncertain_since AS uncertainSince, delivered_event_ids AS deliveredEventIds,
       ids AS refusedEventIds
     FROM items JOIN records ON records.seq = items.seq
       LEFT JOIN refused_events AS refused ON refused.sink = items.sink AND refused.seq = items.seq
     WHERE items.batch = ? ORDER BY items.seq`,
  )

  return (sink, limit, leaseMs, lingerMs = 0) => {
    const nowMs = now()
    releaseOfTheDead(nowMs)
    const ripe = isRipe(sink, limit, lingerMs, nowMs)
    if (idle.get({ sink, nowMs, rests: ripe ? 0 : 1 }) !== undefined) {
      gotRetry.delete(sink)
      return undefined
    }
    return inTransaction(database, () => {
      introduce.run({ sink })
      const due = dueBatch.get(sink, nowMs) as { id: string } | undefined
      const takeFresh = () => (ripe ? newBatch(sink, limit) : undefined)
      const fresh = gotRetry.delete(sink) ? takeFresh() : undefined
      const id = fresh ?? due?.id ?? takeFresh()
      if (id === undefined) return undefined
      if (id === due?.id) gotRetry.add(sink)
      const token = newLease()
      attempt.run({ nowMs, id })
      lease.run(id, sink, token, nowMs, nowMs + leaseMs)
      const rows = entries.all(id) as unknown as EntryRow[]
      return { id, sink, lease: token, entries: rows.map(toEntry) }
    })
  }
}

/** Puts waiting records into a batch, oldest first, and answers its id; none when nothing waits. */
function prepareNewBatch(
  database: DatabaseSync,
): (sink: string, limit: number) => string | undefined {
  const takeRequeued = database.prepare(
    `UPDATE items SET state = 'batched', batch = :id
     WHERE sink = :sink AND seq IN (
       SELECT seq FROM items WHERE sink = :sink AND state = 'requeued' ORDER BY seq LIMIT :limit)`,
  )
  const takeFresh = database.prepare(
    `INSERT INTO items (sink, seq, state, batch)
     SELECT name, seq, 'batched', :id FROM sinks JOIN records ON seq > cursor
     WHERE name = :sink AND customer IS NOT NULL ORDER BY seq LIMIT :limit`,
  )
  const moveToBatch = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT max(seq) FROM items WHERE batch = ?))
     WHERE name = ?`,
  )
  const moveToEnd = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT coalesce(max(seq), 0) FROM records))
     WHERE name = ?`,
  )

  return (sink, limit) => {
    const id = crypto.randomUUID()
    const requeued = Number(takeRequeued.run({ id, sink, limit }).changes)
    const fresh =
      requeued < limit ? Number(takeFresh.run({ id, sink, limit: limit - requeued }).changes) : 0
    if (requeued + fresh === limit) moveToBatch.run(id, sink)
    // What is left has no customer, and is not looked at again until it has one.
    else moveToEnd.run(sink)
    return requeued + fresh > 0 ? id : undefined
  }
}

/** The row counts this claim already. */
function toEntry(row: EntryRow): BatchEntry {
  return {
    record: fromBody(row.body, row.customer),
    attempts: row.attempts - 1,
    firstAttemptAt: row.attempts > 1 ? row.firstAttemptAt : undefined,
    uncertainSince: row.uncertainSince ?? undefined,
    deliveredEventIds: JSON.parse(row.deliveredEventIds) as string[],
    ...(row.refusedEventIds !== null && {
      refusedEventIds: JSON.parse(row.refusedEventIds) as string[],
    }),
  }
}
