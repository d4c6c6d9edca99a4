import type { DatabaseSync } from 'node:sqlite'
import type { Outbox } from '../outbox.ts'
import { inTransaction } from './in-transaction.ts'
import { prepareRecordWindows } from './record-windows.ts'

interface Part {
  /** The first record with an `at` from the mark on. */
  readonly first: number | null
  /** How many records come before it, or at all where there is none. */
  readonly before: number
}

/** Which sinks there are, and where they begin. */
export function prepareKnownSinks(database: DatabaseSync): Pick<Outbox, 'introduce' | 'forget'> & {
  knownSinks(): readonly string[]
  /** Makes a sink known that begins with everything kept. */
  meet(sink: string): void
} {
  const windows = prepareRecordWindows(database)
  const names = database.prepare('SELECT name FROM sinks ORDER BY name')
  const isKnown = database.prepare('SELECT 1 FROM sinks WHERE name = ?')
  const firstIn = database.prepare(
    'SELECT min(seq) AS first FROM records WHERE seq BETWEEN ? AND ? AND at >= ?',
  )
  const countIn = database.prepare(
    'SELECT count(*) AS before FROM records WHERE seq BETWEEN ? AND ?',
  )
  const counters = database.prepare(
    `SELECT pruned,
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0) AS last
     FROM ledger`,
  )
  const add = database.prepare(
    'INSERT INTO sinks (name, cursor, missed, first) VALUES (:sink, :first - 1, :missed, :first)',
  )
  const meet = database.prepare(
    `INSERT INTO sinks (name, missed) SELECT :sink, pruned FROM ledger
     WHERE NOT EXISTS (SELECT 1 FROM sinks WHERE name = :sink)`,
  )
  const remove = database.prepare('DELETE FROM sinks WHERE name = ?')
  const removeItems = database.prepare('DELETE FROM items WHERE sink = ?')
  const removeRefused = database.prepare('DELETE FROM refused_events WHERE sink = ?')
  const removeMarks = database.prepare(
    'DELETE FROM marks WHERE batch IN (SELECT id FROM batches WHERE sink = ?)',
  )
  const removeBatches = database.prepare('DELETE FROM batches WHERE sink = ?')

  const count = () => counters.get() as { pruned: number; last: number }
  const look = (from: number, to: number, sinceMs: number): Part => {
    const { first } = firstIn.get(from, to, sinceMs) as { first: number | null }
    const { before } = countIn.get(from, first === null ? to : first - 1) as { before: number }
    return { first, before }
  }

  return {
    async introduce(sink, sinceMs) {
      if (isKnown.get(sink) !== undefined) return false
      // Most of the way is gone without a lock; what comes meanwhile is looked at under it.
      const { pruned } = count()
      let seen = 0
      let before = 0
      let found: number | null = null
      for await (const { from, to } of windows(0)) {
        const end = Math.min(to, count().last)
        const part = look(from, end, sinceMs)
        before += part.before
        seen = end
        found = part.first
        if (found !== null) break
      }
      return inTransaction(database, () => {
        if (isKnown.get(sink) !== undefined) return false
        const now = count()
        if (now.pruned !== pruned) [seen, before, found] = [0, 0, null]
        if (found === null) {
          const rest = look(seen + 1, now.last, sinceMs)
          before += rest.before
          found = rest.first
        }
        add.run({ sink, first: found ?? now.last + 1, missed: now.pruned + before })
        return true
      })
    },
    meet: (sink) => void meet.run({ sink }),
    knownSinks: () => names.all().map(({ name }) => String(name)),
    forget: (sink) =>
      inTransaction(database, () => {
        removeItems.run(sink)
        removeMarks.run(sink)
        removeBatches.run(sink)
        removeRefused.run(sink)
        return remove.run(sink).changes > 0
      }),
  }
}
