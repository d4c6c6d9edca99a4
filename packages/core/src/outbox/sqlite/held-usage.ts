import type { DatabaseSync } from 'node:sqlite'
import type { HeldUsage } from '../held-usage.ts'
import { doubtOf } from './distrusted.ts'
import { inTransaction } from './in-transaction.ts'

/** On its way again. In a copy the original may have sent it meanwhile. */
export const sentOn = `state = 'requeued', uncertain_since = ${doubtOf('seq')}`

const chosen = `sink = :sink AND held = 1 AND (:ids IS NULL OR seq IN (
  SELECT seq FROM records WHERE id IN (SELECT value FROM json_each(:ids))))`

/** Sends what is held on its way, or gives it up. */
export function prepareHeld(database: DatabaseSync): HeldUsage {
  const { releaseAll } = prepareHeldUsage(database)
  const release = database.prepare(`UPDATE items SET ${sentOn}, held = 2 WHERE ${chosen}`)
  const drop = database.prepare(`UPDATE items SET held = 0 WHERE ${chosen}`)
  const countDropped = database.prepare('UPDATE sinks SET discarded = discarded + ? WHERE name = ?')

  return {
    release: (sink, ids) =>
      ids === undefined
        ? inTransaction(database, () => releaseAll(sink))
        : Number(release.run({ sink, ids: JSON.stringify(ids) }).changes),
    drop: (sink, ids) =>
      inTransaction(database, () => {
        const given = { sink, ids: ids === undefined ? null : JSON.stringify(ids) }
        const count = Number(drop.run(given).changes)
        countDropped.run(count, sink)
        return count
      }),
  }
}

/** What becomes of all that is held for a sink; within a transaction of the caller's. */
export function prepareHeldUsage(database: DatabaseSync) {
  const release = database.prepare(
    `UPDATE items SET ${sentOn}, held = 2 WHERE sink = ? AND held = 1`,
  )
  const end = database.prepare(`UPDATE sinks SET held_to = 0, held_for = '[]' WHERE name = ?`)
  const passHeld = preparePassHeld(database)
  const countMissed = prepareCountMissed(database)
  const begin = database.prepare(
    `UPDATE sinks SET first = coalesce((SELECT min(seq) FROM records
       WHERE seq BETWEEN first AND held_to AND at >= :sinceMs), held_to + 1)
     WHERE name = :sink`,
  )
  const leaveOut = database.prepare(
    `DELETE FROM items WHERE sink = :sink AND held = 1
       AND seq < (SELECT first FROM sinks WHERE name = :sink)`,
  )
  const releaseOld = database.prepare(
    `UPDATE items SET ${sentOn}, held = 0 WHERE sink = :sink AND held = 1
       AND seq <= (SELECT held_to FROM sinks WHERE name = :sink)`,
  )

  return {
    releaseAll(sink: string): number {
      const count = Number(release.run(sink).changes)
      end.run(sink)
      return count
    },
    /** What came before the sink goes out: that it is no test usage is for the claim to see. */
    sendOld(sink: string): void {
      releaseOld.run({ sink })
      end.run(sink)
    },
    /** What came before the sink goes out from a moment on, and is not counted before it. */
    beginAt: (sink: string, sinceMs: number): boolean =>
      inTransaction(database, () => {
        passHeld(sink)
        begin.run({ sink, sinceMs })
        leaveOut.run({ sink })
        releaseOld.run({ sink })
        end.run(sink)
        countMissed(sink)
        return true
      }),
  }
}

/** Everything of before a sink is held, whether or not a claim has come to it. */
export function preparePassHeld(database: DatabaseSync): (sink: string) => void {
  const hold = database.prepare(
    `INSERT INTO items (sink, seq, state, held)
     SELECT name, seq, 'discarded', 1 FROM sinks JOIN records ON seq > cursor AND seq <= held_to
     WHERE name = ? AND customer IS NOT NULL`,
  )
  const move = database.prepare('UPDATE sinks SET cursor = max(cursor, held_to) WHERE name = ?')
  return (sink) => {
    hold.run(sink)
    move.run(sink)
  }
}

/** So that the counts of a sink add up, where it is known what it has and not what it missed. */
export function prepareCountMissed(database: DatabaseSync): (sink: string) => void {
  const count = database.prepare(
    `UPDATE sinks SET missed =
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0) - delivered - discarded
       - (SELECT count(*) FROM items WHERE sink = name AND (state <> 'discarded' OR held = 1))
       - (SELECT count(*) FROM records WHERE seq > cursor AND customer IS NOT NULL)
       - (SELECT count(*) FROM records WHERE seq >= first AND customer IS NULL)
     WHERE name = ?`,
  )
  return (sink) => void count.run(sink)
}
