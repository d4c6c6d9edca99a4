import type { DatabaseSync } from 'node:sqlite'
import { type KnownSink, type KnownSinks, seenForMs, type SinkMode } from '../known-sinks.ts'
import { inTransaction } from './in-transaction.ts'
import { isHolderGone, isOfThisMachine, newLease } from './lease-owner.ts'

interface SinkRow {
  readonly name: string
  readonly mode: SinkMode | null
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
    `SELECT name, mode, held_for AS heldFor, NULL AS renamedTo FROM sinks
     UNION ALL SELECT name, NULL, '[]', became FROM renamed_sinks ORDER BY name`,
  )
  const users = database.prepare('SELECT sink, user, seen_at AS seenAt FROM sink_users')
  const isSaid = database.prepare('SELECT 1 FROM sinks WHERE name = ? AND mode = ?')
  const register = database.prepare(
    `INSERT INTO sinks (name, missed, mode) SELECT :sink, pruned, :mode FROM ledger
     WHERE NOT EXISTS (SELECT 1 FROM renamed_sinks WHERE name = :sink)
     ON CONFLICT (name) DO UPDATE SET mode = excluded.mode`,
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
        ...useOf(seen.get(row.name) ?? [], now()),
        ...(row.heldFor !== '[]' && { heldFor: JSON.parse(row.heldFor) as string[] }),
        ...(row.renamedTo !== null && { renamedTo: row.renamedTo }),
      }))
    },
    attend(sink, mode) {
      inTransaction(database, () => {
        if (isSaid.get(sink, mode) === undefined) {
          register.run({ sink, mode })
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
