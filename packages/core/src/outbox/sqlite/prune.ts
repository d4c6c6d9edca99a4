import type { DatabaseSync } from 'node:sqlite'
import { inTransaction } from './in-transaction.ts'

/** Records looked at in one transaction, so few that an append elsewhere waits only some ms. */
const windowSize = 2000

/**
 * Deletes settled records window by window, and lets the process get on with other things between
 * them.
 */
export function preparePrune(
  database: DatabaseSync,
): (beforeMs: number, isClosed: () => boolean) => Promise<number> {
  const windowStart = database.prepare('SELECT min(seq) AS seq FROM records WHERE seq > ?')
  const deleteSettled = database.prepare(
    `DELETE FROM records
     WHERE seq BETWEEN :from AND :to AND at < :beforeMs AND customer IS NOT NULL
       AND seq <= (SELECT min(cursor) FROM sinks)
       AND NOT EXISTS (SELECT 1 FROM sinks JOIN items ON items.sink = sinks.name
         WHERE items.seq = records.seq AND items.state <> 'discarded')`,
  )
  const deleteDiscarded = database.prepare(
    `DELETE FROM items
     WHERE sink IN (SELECT name FROM sinks) AND seq BETWEEN :from AND :to AND state = 'discarded'
       AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq)`,
  )
  const countPruned = database.prepare('UPDATE ledger SET pruned = pruned + ?')

  const pruneWindow = (from: number, beforeMs: number): number =>
    inTransaction(database, () => {
      const to = from + windowSize - 1
      const count = Number(deleteSettled.run({ from, to, beforeMs }).changes)
      if (count > 0) deleteDiscarded.run({ from, to })
      countPruned.run(count)
      return count
    })

  return async (beforeMs, isClosed) => {
    let count = 0
    let seen = 0
    while (!isClosed()) {
      const { seq } = windowStart.get(seen) as { seq: number | null }
      if (seq === null) break
      count += pruneWindow(seq, beforeMs)
      seen = seq + windowSize - 1
      await new Promise((resolve) => setImmediate(resolve))
    }
    return count
  }
}
