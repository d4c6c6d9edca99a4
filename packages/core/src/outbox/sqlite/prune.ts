import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from './in-transaction.ts'
import { prepareRecordWindows, type RecordWindow } from './record-windows.ts'

/** Deletes settled records, window by window. */
export function preparePrune(database: DatabaseSync): (beforeMs: number) => Promise<number> {
  const windows = prepareRecordWindows(database)
  const deleteSettled = database.prepare(
    `DELETE FROM records
     WHERE seq BETWEEN :from AND :to AND at < :beforeMs AND customer IS NOT NULL
       AND seq <= (SELECT min(cursor) FROM sinks)
       AND NOT EXISTS (SELECT 1 FROM sinks JOIN items ON items.sink = sinks.name
         WHERE items.seq = records.seq AND items.state <> 'discarded')`,
  )
  const countHeld = database.prepare(
    `UPDATE sinks SET discarded = discarded + (
       SELECT count(*) FROM items WHERE sink = name AND held = 1 AND seq BETWEEN :from AND :to
         AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq))
     WHERE EXISTS (SELECT 1 FROM items WHERE sink = name AND held = 1)`,
  )
  const deleteDiscarded = database.prepare(
    `DELETE FROM items
     WHERE sink IN (SELECT name FROM sinks) AND seq BETWEEN :from AND :to AND state = 'discarded'
       AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq)`,
  )
  const deleteRefused = database.prepare(
    `DELETE FROM refused_events
     WHERE sink IN (SELECT name FROM sinks) AND seq BETWEEN :from AND :to
       AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = refused_events.seq)`,
  )
  const countPruned = database.prepare('UPDATE ledger SET pruned = pruned + ?')

  const pruneWindow = ({ from, to }: RecordWindow, beforeMs: number): number =>
    inTransaction(database, () => {
      const count = Number(deleteSettled.run({ from, to, beforeMs }).changes)
      if (count > 0) {
        countHeld.run({ from, to })
        deleteDiscarded.run({ from, to })
        deleteRefused.run({ from, to })
      }
      countPruned.run(count)
      return count
    })

  return async (beforeMs) => {
    let count = 0
    try {
      for await (const window of windows(0)) count += pruneWindow(window, beforeMs)
    } catch (error) {
      // Closed meanwhile: the next one goes on.
      if (database.isOpen) throw error
    }
    return count
  }
}
