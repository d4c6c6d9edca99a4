import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../../sink/batch.ts'
import type { ClaimOptions } from '../outbox.ts'
import { prepareBatchEntries } from './batch-entries.ts'
import { prepareDoubt } from './doubt.ts'
import type { Heartbeat } from './heartbeat.ts'
import { newLease, prepareReleaseOfTheDead } from './lease-owner.ts'
import { prepareHoldBack } from './hold-back.ts'
import { prepareNewBatch } from './new-batch.ts'
import { prepareIsRipe } from './ripe.ts'

type Operation = (sink: string, options: ClaimOptions) => Batch | undefined

export function prepareClaim(
  database: DatabaseSync,
  now: () => number,
  heartbeat: Heartbeat,
): Operation {
  const newBatch = prepareNewBatch(database)
  const entries = prepareBatchEntries(database)
  const isRipe = prepareIsRipe(database)
  const holdBack = prepareHoldBack(database)
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
  const dueOf = (sink: string, nowMs: number, isLive: boolean): { id: string } | undefined => {
    for (;;) {
      const due = dueBatch.get(sink, nowMs) as { id: string } | undefined
      if (due === undefined || holdBack.batched(due.id, { cursor: 0, heldTo: 0, isLive }))
        return due
      finish.run(due.id)
      clear.run(due.id)
    }
  }
  const takeAgain = (sink: string, nowMs: number, { id }: { readonly id: string }) => {
    gotRetry.add(sink)
    doubt(id)
    attempt.run({ nowMs, id })
    return { id, entries: entries.of(id) }
  }

  return (sink, { limit, leaseMs, lingerMs = 0, isMarked = false, isLive = false }) => {
    const nowMs = now()
    releaseOfTheDead(nowMs)
    const ripe = isRipe(sink, limit, lingerMs, nowMs)
    if (idle.get({ sink, nowMs, rests: ripe ? 0 : 1 }) !== undefined) {
      gotRetry.delete(sink)
      return undefined
    }
    return heartbeat.transaction(nowMs, () => {
      register.run({ sink })
      const due = dueOf(sink, nowMs, isLive)
      const takeFresh = () => (ripe ? newBatch(sink, limit, nowMs, isLive) : undefined)
      const fresh = gotRetry.delete(sink) ? takeFresh() : undefined
      const taken = fresh ?? (due === undefined ? takeFresh() : takeAgain(sink, nowMs, due))
      if (taken === undefined) return undefined
      const token = newLease()
      lease.run(taken.id, sink, token, nowMs, nowMs + leaseMs, isMarked ? 1 : 0)
      return { id: taken.id, sink, lease: token, entries: taken.entries }
    })
  }
}
