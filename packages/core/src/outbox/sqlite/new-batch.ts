import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../outbox.ts'
import { prepareBatchEntries } from './batch-entries.ts'
import { doubtOf } from './distrusted.ts'

interface Waiting {
  readonly cursor: number
  readonly anyRequeued: number
  /** Null where nothing is. */
  readonly isDoubted: number | null
}

/**
 * Puts what waits for a known sink into a batch, requeued records first, each oldest first; none
 * when nothing waits. This claim is counted as their first attempt as they are put there.
 */
export function prepareNewBatch(
  database: DatabaseSync,
): (sink: string, limit: number, nowMs: number) => Pick<Batch, 'id' | 'entries'> | undefined {
  const entries = prepareBatchEntries(database)
  const waiting = database.prepare(
    `SELECT cursor,
       EXISTS (SELECT 1 FROM items WHERE sink = name AND state = 'requeued') AS anyRequeued,
       cursor < (SELECT max(upto) FROM rests WHERE state <> 'trusted') AS isDoubted
     FROM sinks WHERE name = ?`,
  )
  const takeRequeued = database.prepare(
    `UPDATE items SET state = 'batched', batch = :id, attempts = attempts + 1,
       first_attempt_at = coalesce(first_attempt_at, :nowMs)
     WHERE sink = :sink AND seq IN (
       SELECT seq FROM items WHERE sink = :sink AND state = 'requeued' ORDER BY seq LIMIT :limit)`,
  )
  const takeFresh = database.prepare(
    `INSERT INTO items (sink, seq, state, batch, attempts, first_attempt_at)
     SELECT :sink, seq, 'batched', :id, 1, :nowMs FROM records
     WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit`,
  )
  // To look for it at every record makes a claim a tenth slower.
  const takeDoubted = database.prepare(
    `INSERT INTO items (sink, seq, state, batch, attempts, first_attempt_at, uncertain_since)
     SELECT :sink, seq, 'batched', :id, 1, :nowMs, ${doubtOf('seq')} FROM records
     WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit`,
  )
  const moveToBatch = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT max(seq) FROM items WHERE batch = ?))
     WHERE name = ?`,
  )
  const moveToEnd = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT coalesce(max(seq), 0) FROM records))
     WHERE name = ?`,
  )

  return (sink, limit, nowMs) => {
    const id = crypto.randomUUID()
    const { cursor, anyRequeued, isDoubted } = waiting.get(sink) as unknown as Waiting
    const take = isDoubted === 1 ? takeDoubted : takeFresh
    // To look for them so costs some 50 µs even where there are none, which is nearly always.
    const requeued =
      anyRequeued === 1 ? Number(takeRequeued.run({ id, sink, limit, nowMs }).changes) : 0
    const room = limit - requeued
    const fresh = room > 0 ? Number(take.run({ id, sink, cursor, limit: room, nowMs }).changes) : 0
    if (requeued + fresh === limit) moveToBatch.run(id, sink)
    // What is left has no customer, and is not looked at again until it has one.
    else moveToEnd.run(sink)
    if (requeued + fresh === 0) return undefined
    const isPlain = requeued === 0 && isDoubted !== 1
    return { id, entries: isPlain ? entries.after(cursor, fresh) : entries.of(id) }
  }
}
