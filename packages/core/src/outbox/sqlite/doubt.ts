import type { DatabaseSync } from 'node:sqlite'
import type { EventsInFlight } from '../../sink/send-progress.ts'
import { moreUncertain, type Uncertainty } from '../uncertainty.ts'
import { uncertaintyOf } from './batch-entries.ts'

/** Makes an item uncertain, or more so. */
export function prepareLearnUncertain(
  database: DatabaseSync,
): (sink: string, seq: number, more: Uncertainty, batchId: string) => void {
  const known = database.prepare(
    `SELECT uncertain_since AS uncertainSince, uncertain_event_ids AS uncertainEventIds,
       uncertain_in AS uncertainIn
     FROM items WHERE sink = ? AND seq = ?`,
  )
  const learn = database.prepare(
    `UPDATE items SET uncertain_since = ?, uncertain_event_ids = ?, uncertain_in = ?
     WHERE sink = ? AND seq = ?`,
  )
  return (sink, seq, more, batchId) => {
    const row = known.get(sink, seq) as unknown as Parameters<typeof uncertaintyOf>[0]
    const { uncertainSince, uncertainEventIds, uncertainIn } = moreUncertain(
      uncertaintyOf(row),
      more,
      batchId,
    )
    const eventIds = uncertainEventIds === undefined ? null : JSON.stringify(uncertainEventIds)
    learn.run(uncertainSince ?? null, eventIds, uncertainIn ?? null, sink, seq)
  }
}

/**
 * Notes what may have arrived of a batch that still has a lease, which was never settled: all of it,
 * or, where its holder marked what it sent, what was in flight.
 */
export function prepareDoubt(database: DatabaseSync): (batch: string) => void {
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
    `SELECT items.seq AS seq FROM records JOIN items ON items.seq = records.seq
     WHERE records.id = ? AND items.sink = ? AND items.batch = ?`,
  )
  const learn = prepareLearnUncertain(database)

  return (batch) => {
    const found = held.get(batch) as
      | { sink: string; claimedAt: number; isMarked: number }
      | undefined
    if (found === undefined) return
    const { sink, claimedAt, isMarked } = found
    if (isMarked === 0) return void doubtAll.run(claimedAt, batch)
    for (const { parts } of marks.all(batch) as { parts: string }[]) {
      for (const { recordIds, eventIds, sumId } of JSON.parse(parts) as EventsInFlight[]) {
        for (const recordId of recordIds) {
          const { seq } = (item.get(recordId, sink, batch) ?? {}) as { seq?: number }
          if (seq === undefined) continue
          const inFlight = { uncertainEventIds: eventIds, uncertainIn: sumId }
          learn(sink, seq, { uncertainSince: claimedAt, ...inFlight }, batch)
        }
      }
    }
    clear.run(batch)
  }
}
