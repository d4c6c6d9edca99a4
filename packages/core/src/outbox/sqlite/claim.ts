import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../../sink/batch.ts'
import type { EventsInFlight } from '../../sink/send-progress.ts'
import type { ClaimOptions } from '../outbox.ts'
import { batchReady, type Linger, mayHaveArrived, moreUncertain, Turns } from '../rules.ts'
import {
  prepareBatchEntries,
  uncertainColumns,
  type UncertainRow,
  uncertaintyOf,
  uncertaintyValues,
} from './batch-entries.ts'
import type { Heartbeat } from './heartbeat.ts'
import { newLease, prepareReleaseOfTheDead } from './lease-owner.ts'
import { prepareHoldBack, prepareNewBatch } from './new-batch.ts'

/** Gives out a batch: one that is due again, or what waits in none (new-batch.ts). */
export function prepareClaim(
  database: DatabaseSync,
  now: () => number,
  heartbeat: Heartbeat,
): (sink: string, options: ClaimOptions) => Batch | undefined {
  const entries = prepareBatchEntries(database)
  const newBatch = prepareNewBatch(database, entries)
  const isReady = prepareBatchReady(database)
  const holdBack = prepareHoldBack(database)
  const releaseOfTheDead = prepareReleaseOfTheDead(database)
  const turns = new Turns()
  // Read without a lock, so that a sink with nothing to do holds up no other process.
  const idle = database.prepare(
    `SELECT 1 FROM sinks
     WHERE name = :sink
       AND (:rests OR (cursor >= (SELECT coalesce(max(seq), 0) FROM records)
         AND NOT EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued')))
       AND NOT EXISTS (SELECT 1 FROM batches WHERE sink = :sink AND due_at <= :nowMs)`,
  )
  const register = database.prepare(
    `INSERT INTO sinks (name, missed) SELECT :sink, pruned FROM ledger
     WHERE NOT EXISTS (SELECT 1 FROM sinks WHERE name = :sink)
       AND NOT EXISTS (SELECT 1 FROM renamed_sinks WHERE name = :sink)`,
  )
  const dueBatch = database.prepare(
    'SELECT id FROM batches WHERE sink = ? AND due_at <= ? ORDER BY due_at, number LIMIT 1',
  )
  const lease = database.prepare(
    `INSERT INTO batches (id, sink, lease, claimed_at, due_at, is_marked) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE
     SET lease = excluded.lease, claimed_at = excluded.claimed_at, due_at = excluded.due_at,
       is_marked = excluded.is_marked`,
  )
  const doubt = prepareDoubt(database)
  const attempt = database.prepare(
    `UPDATE items SET attempts = attempts + 1,
       first_attempt_at = coalesce(first_attempt_at, :nowMs)
     WHERE batch = :id`,
  )
  const finish = database.prepare('DELETE FROM batches WHERE id = ?')
  const clear = database.prepare('DELETE FROM marks WHERE batch = ?')

  /** The batch that has been due for longest, of those of which something may be given out. */
  const takeAgain = (sink: string, nowMs: number, isLive: boolean) => {
    for (;;) {
      const { id } = (dueBatch.get(sink, nowMs) ?? {}) as { id?: string }
      if (id === undefined) return undefined
      if (holdBack.batched(id, isLive)) {
        doubt(id)
        attempt.run({ nowMs, id })
        return { id, entries: entries.of(id) }
      }
      finish.run(id)
      clear.run(id)
    }
  }

  return (sink, { limit, leaseMs, lingerMs = 0, isMarked = false, isLive = false }) => {
    const nowMs = now()
    releaseOfTheDead(nowMs)
    const ready = isReady(sink, { limit, lingerMs, nowMs })
    if (idle.get({ sink, nowMs, rests: ready ? 0 : 1 }) !== undefined) {
      turns.isFreshFirst(sink)
      return undefined
    }
    return heartbeat.transaction(nowMs, () => {
      register.run({ sink })
      const taken = turns.take(sink, {
        again: () => takeAgain(sink, nowMs, isLive),
        fresh: () => (ready ? newBatch(sink, { limit, nowMs, isLive }) : undefined),
      })
      if (taken === undefined) return undefined
      const token = newLease()
      lease.run(taken.id, sink, token, nowMs, nowMs + leaseMs, isMarked ? 1 : 0)
      return { id: taken.id, sink, lease: token, entries: taken.entries }
    })
  }
}

/** Read without a lock, as a sink that lingers is asked often. */
function prepareBatchReady(database: DatabaseSync): (sink: string, linger: Linger) => boolean {
  const waiting = database.prepare(
    `SELECT
       EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued') AS anyRequeued,
       (SELECT coalesce(max(seq), 0) FROM records)
         - coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0) AS count,
       (SELECT at FROM records WHERE customer IS NOT NULL
         AND seq > coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0)
         ORDER BY seq LIMIT 1) AS oldestAt`,
  )
  return (sink, linger) =>
    batchReady(linger, () => {
      const { anyRequeued, count, oldestAt } = waiting.get({ sink }) as {
        anyRequeued: number
        count: number
        oldestAt: number | null
      }
      return { anyRequeued: anyRequeued === 1, count, oldestAt: oldestAt ?? undefined }
    })
}

/**
 * Notes what may have arrived of a batch that still has a lease, which was never settled: all of it,
 * or, where its holder marked what it sent, what was in flight.
 */
function prepareDoubt(database: DatabaseSync): (batch: string) => void {
  const held = database.prepare(
    `SELECT sink, claimed_at AS claimedAt, is_marked AS isMarked FROM batches
     WHERE id = ? AND lease IS NOT NULL`,
  )
  const doubtAll = database.prepare(
    `UPDATE items SET uncertain_since = coalesce(uncertain_since, ?), uncertain_event_ids = NULL,
       uncertain_in = nullif(uncertain_in, batch)
     WHERE batch = ?`,
  )
  const marks = database.prepare('SELECT parts FROM marks WHERE batch = ?')
  const clear = database.prepare('DELETE FROM marks WHERE batch = ?')
  const item = database.prepare(
    `SELECT items.seq AS seq, ${uncertainColumns}
     FROM records JOIN items ON items.seq = records.seq
     WHERE records.id = ? AND items.sink = ? AND items.batch = ?`,
  )
  const learn = database.prepare(
    `UPDATE items SET uncertain_since = ?, uncertain_event_ids = ?, uncertain_in = ?
     WHERE sink = ? AND seq = ?`,
  )

  return (batch) => {
    const found = held.get(batch) as
      | { sink: string; claimedAt: number; isMarked: number }
      | undefined
    if (found === undefined) return
    const { sink, claimedAt, isMarked } = found
    if (isMarked === 0) return void doubtAll.run(claimedAt, batch)
    const parts = (marks.all(batch) as { parts: string }[]).flatMap(
      (mark) => JSON.parse(mark.parts) as EventsInFlight[],
    )
    for (const part of parts) {
      for (const recordId of part.recordIds) {
        const row = item.get(recordId, sink, batch) as (UncertainRow & { seq: number }) | undefined
        if (row === undefined) continue
        const more = mayHaveArrived({ claimedAt }, part)
        const uncertain = moreUncertain(uncertaintyOf(row), more, batch)
        learn.run(...uncertaintyValues(uncertain), sink, row.seq)
      }
    }
    clear.run(batch)
  }
}
