import type { DatabaseSync } from 'node:sqlite'
import { type KnownSink, type KnownSinks, type SinkMode, seenForMs } from '../known-sinks.ts'
import type { Outbox } from '../outbox.ts'
import type { SinkValue } from '../../sink/sink.ts'
import { prepareOldUsage } from './held-usage.ts'
import { isHolderGone, isOfThisMachine, newLease } from './lease-owner.ts'
import { prepareRecordWindows } from './ledger.ts'
import { inTransaction } from './node-sqlite.ts'

interface SinkRow {
  readonly name: string
  readonly mode: SinkMode | null
  readonly value: SinkValue | null
  /** JSON. */
  readonly heldFor: string
  readonly renamedTo: string | null
}

interface UserRow {
  readonly sink: string
  readonly user: string
  readonly seenAt: number
}

/** Who delivers to which sink. */
export function prepareSinkUsers(
  database: DatabaseSync,
  now: () => number,
): Pick<KnownSinks, 'sinks' | 'attend' | 'leave'> {
  /** This outbox, as one that says which process has it open. */
  let self: string | undefined
  const user = () => (self ??= newLease())
  const all = database.prepare(
    `SELECT name, mode, value, held_for AS heldFor, NULL AS renamedTo FROM sinks
     UNION ALL SELECT name, NULL, NULL, '[]', became FROM renamed_sinks ORDER BY name`,
  )
  const users = database.prepare('SELECT sink, user, seen_at AS seenAt FROM sink_users')
  const isSaid = database.prepare('SELECT 1 FROM sinks WHERE name = ? AND mode = ? AND value IS ?')
  const register = database.prepare(
    `INSERT INTO sinks (name, missed, mode, value) SELECT :sink, pruned, :mode, :value FROM ledger
     WHERE NOT EXISTS (SELECT 1 FROM renamed_sinks WHERE name = :sink)
     ON CONFLICT (name) DO UPDATE SET mode = excluded.mode, value = excluded.value`,
  )
  const see = database.prepare(
    `INSERT INTO sink_users (sink, user, seen_at)
     SELECT name, :user, :nowMs FROM sinks WHERE name = :sink
     ON CONFLICT (sink, user) DO UPDATE SET seen_at = excluded.seen_at`,
  )
  const remove = database.prepare('DELETE FROM sink_users WHERE sink = ? AND user = ?')

  return {
    sinks() {
      const seen = Map.groupBy(users.all() as unknown as readonly UserRow[], ({ sink }) => sink)
      return (all.all() as unknown as readonly SinkRow[]).map((row) => ({
        name: row.name,
        ...(row.mode !== null && { mode: row.mode }),
        ...(row.value !== null && { value: row.value }),
        ...useOf(seen.get(row.name) ?? [], now()),
        ...(row.heldFor !== '[]' && { heldFor: JSON.parse(row.heldFor) as string[] }),
        ...(row.renamedTo !== null && { renamedTo: row.renamedTo }),
      }))
    },
    attend(sink, mode, value) {
      inTransaction(database, () => {
        if (isSaid.get(sink, mode, value ?? null) === undefined) {
          register.run({ sink, mode, value: value ?? null })
          for (const { sink: name, user } of users.all() as unknown as readonly UserRow[]) {
            if (isOfThisMachine(user) && isHolderGone(user)) remove.run(name, user)
          }
        }
        see.run({ sink, user: user(), nowMs: now() })
      })
    },
    leave(sink) {
      remove.run(sink, user())
    },
  }
}

function useOf(users: readonly UserRow[], nowMs: number): Pick<KnownSink, 'inUse' | 'seenAt'> {
  // A process of another machine or container cannot be looked up.
  if (users.some(({ user }) => isOfThisMachine(user) && !isHolderGone(user))) return { inUse: true }
  const seenAt = Math.max(
    ...users.filter(({ user }) => !isOfThisMachine(user)).map(({ seenAt }) => seenAt),
  )
  return nowMs - seenAt < seenForMs ? { seenAt } : { inUse: false }
}

interface Part {
  /** The first record with an `at` from the mark on. */
  readonly first: number | null
  /** How many records come before it, or at all where there is none. */
  readonly before: number
}

/** A sink that may be another under a new name. */
interface Waiting {
  readonly name: string
  /** JSON. */
  readonly heldFor: string
}

/** Which sinks there are, and where they begin. */
export function prepareKnownSinks(database: DatabaseSync): Pick<
  Outbox,
  'registerSink' | 'removeSink'
> & {
  /** Makes a sink known that begins with everything kept. */
  meet(sink: string): void
} {
  const old = prepareOldUsage(database)
  const windows = prepareRecordWindows(database)
  const isKnown = database.prepare(
    `SELECT held_to AS heldTo FROM sinks WHERE name = :sink
     UNION ALL SELECT 0 FROM renamed_sinks WHERE name = :sink`,
  )
  const known = (sink: string) => isKnown.get({ sink }) as { heldTo: number } | undefined
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
     WHERE NOT EXISTS (SELECT 1 FROM sinks WHERE name = :sink)
       AND NOT EXISTS (SELECT 1 FROM renamed_sinks WHERE name = :sink)`,
  )
  const addHeld = database.prepare(
    `INSERT INTO sinks (name, missed, held_to, held_for)
     SELECT :sink, pruned, coalesce(before, 0),
       CASE WHEN before >= oldest THEN :heldFor ELSE '[]' END
     FROM ledger, (SELECT min(seq) AS oldest, coalesce(
       (SELECT seq - 1 FROM records WHERE id = :beforeId), max(seq)) AS before FROM records)`,
  )
  const waitingFor = database.prepare(
    `SELECT name, held_for AS heldFor FROM sinks
     WHERE EXISTS (SELECT 1 FROM json_each(held_for) WHERE value = ?)`,
  )
  const narrow = database.prepare('UPDATE sinks SET held_for = ? WHERE name = ?')
  const removeUsers = database.prepare('DELETE FROM sink_users WHERE sink = ?')
  const removeNames = database.prepare('DELETE FROM renamed_sinks WHERE name = ? OR became = ?')
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
    async registerSink(sink, { sinceMs = -Infinity, heldFor = [], beforeId = '' }) {
      const is = known(sink)
      if (is !== undefined) return is.heldTo > 0 && old.beginAt(sink, sinceMs)
      if (heldFor.length > 0) {
        return inTransaction(database, () => {
          if (known(sink) !== undefined) return false
          addHeld.run({ sink, heldFor: JSON.stringify(heldFor), beforeId })
          return true
        })
      }
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
        if (known(sink) !== undefined) return false
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
    removeSink: (sink) =>
      inTransaction(database, () => {
        removeItems.run(sink)
        removeMarks.run(sink)
        removeBatches.run(sink)
        removeRefused.run(sink)
        removeUsers.run(sink)
        for (const { name, heldFor } of waitingFor.all(sink) as unknown as readonly Waiting[]) {
          const others = (JSON.parse(heldFor) as string[]).filter((other) => other !== sink)
          if (others.length > 0) narrow.run(JSON.stringify(others), name)
          else old.sendOn(name)
        }
        const wasRenamed = Number(removeNames.run(sink, sink).changes) > 0
        return Number(remove.run(sink).changes) > 0 || wasRenamed
      }),
  }
}
