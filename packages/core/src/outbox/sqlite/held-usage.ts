import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { Outbox } from '../outbox.ts'
import { countSkippedSql, passHeldSql, sentOn, takePlaceSql } from '../rules-sql.ts'
import { doubtOf } from './heartbeat.ts'
import { inTransaction } from './node-sqlite.ts'

const sendOn = `UPDATE items SET ${sentOn(doubtOf('seq'))}`
const named = (table: string) => table

/** Sends what is held on its way, or gives it up. */
export function prepareHeldUsage(database: DatabaseSync): Pick<Outbox, 'release' | 'drop'> {
  const chosen = `sink = :sink AND held = 1 AND (:ids IS NULL OR seq IN (
    SELECT seq FROM records WHERE id IN (SELECT value FROM json_each(:ids))))`
  const release = database.prepare(`${sendOn}, held = 2 WHERE ${chosen}`)
  const drop = database.prepare(`UPDATE items SET held = 0 WHERE ${chosen}`)
  const countDropped = database.prepare('UPDATE sinks SET discarded = discarded + ? WHERE name = ?')
  const endHold = prepareEndHold(database)

  return {
    release: (sink, ids) =>
      inTransaction(database, () => {
        const count = Number(release.run({ sink, ids: idList(ids) }).changes)
        if (ids === undefined) endHold(sink)
        return count
      }),
    drop: (sink, ids) =>
      inTransaction(database, () => {
        const count = Number(drop.run({ sink, ids: idList(ids) }).changes)
        countDropped.run(count, sink)
        return count
      }),
  }
}

/** What becomes of what came before a sink, once it is known which sink it is. */
export interface OldUsage {
  /** It goes out: that it is no test usage is for the claim to see. Within a transaction. */
  sendOn(sink: string): void
  /** It goes out from a moment on, and is not counted before it. */
  beginAt(sink: string, sinceMs: number): boolean
}

export function prepareOldUsage(database: DatabaseSync): OldUsage {
  const passHeld = preparePassHeld(database)
  const countSkipped = prepareCountSkipped(database)
  const endHold = prepareEndHold(database)
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
    `${sendOn}, held = 0 WHERE sink = :sink AND held = 1
       AND seq <= (SELECT held_to FROM sinks WHERE name = :sink)`,
  )

  return {
    sendOn(sink) {
      releaseOld.run({ sink })
      endHold(sink)
    },
    beginAt: (sink, sinceMs) =>
      inTransaction(database, () => {
        passHeld(sink)
        begin.run({ sink, sinceMs })
        leaveOut.run({ sink })
        releaseOld.run({ sink })
        endHold(sink)
        countSkipped(sink)
        return true
      }),
  }
}

/** Puts one sink in the place of another. */
export function prepareRename(database: DatabaseSync): Outbox['rename'] {
  const passHeld = preparePassHeld(database)
  const countSkipped = prepareCountSkipped(database)
  const ask = database.prepare('SELECT held_to AS heldTo FROM sinks WHERE name = ?')
  const rename = database.prepare('UPDATE sinks SET name = :to WHERE name = :from')
  const takePlace = prepareAll(
    database,
    takePlaceSql(named, {
      from: ':from',
      to: ':to',
      isAhead: 'items.seq > (SELECT cursor FROM sinks WHERE name = :from)',
      first: 'first',
      noNames: "'[]'",
      doubt: doubtOf('seq'),
    }),
  )
  const move = prepareAll(database, [
    'UPDATE items SET sink = :to WHERE sink = :from',
    'UPDATE batches SET sink = :to WHERE sink = :from',
    'UPDATE OR IGNORE refused_events SET sink = :to WHERE sink = :from',
    `DELETE FROM batches WHERE sink = :to AND :from IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM items WHERE batch = batches.id)`,
  ])
  const clearMarks = database.prepare(
    'DELETE FROM marks WHERE NOT EXISTS (SELECT 1 FROM batches WHERE id = batch)',
  )
  const leave = prepareAll(database, [
    'DELETE FROM refused_events WHERE sink = :from',
    'DELETE FROM sink_users WHERE sink = :from',
    'DELETE FROM sinks WHERE name = :from',
  ])
  const remember = prepareAll(database, [
    'DELETE FROM renamed_sinks WHERE name = :to AND :from IS NOT NULL',
    'UPDATE renamed_sinks SET became = :to WHERE became = :from',
    'INSERT OR REPLACE INTO renamed_sinks (name, became) VALUES (:from, :to)',
  ])

  return (from, to) =>
    inTransaction(database, () => {
      const names = { from, to }
      const known = ask.get(to) as { heldTo: number } | undefined
      if (ask.get(from) === undefined || from === to || known?.heldTo === 0) return false
      if (known === undefined) rename.run(names)
      else {
        passHeld(to)
        takePlace(names)
      }
      move(names)
      clearMarks.run()
      leave({ from })
      if (known !== undefined) countSkipped(to)
      remember(names)
      return true
    })
}

/** Everything of before a sink is held, whether or not a claim has come to it. */
function preparePassHeld(database: DatabaseSync): (sink: string) => void {
  const pass = prepareAll(database, passHeldSql(named, ':sink'))
  return (sink) => pass({ sink })
}

function prepareCountSkipped(database: DatabaseSync): (sink: string) => void {
  const count = database.prepare(
    countSkippedSql(named, ':sink', {
      recorded: `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'records'), 0)`,
      isCounted: 'seq >= first',
      late: '0',
    }),
  )
  return (sink) => void count.run({ sink })
}

function prepareEndHold(database: DatabaseSync): (sink: string) => void {
  const end = database.prepare(`UPDATE sinks SET held_to = 0, held_for = '[]' WHERE name = ?`)
  return (sink) => void end.run(sink)
}

/** Statements that are run one after the other, with the same values. */
function prepareAll(
  database: DatabaseSync,
  statements: readonly string[],
): (values: Record<string, SQLInputValue>) => void {
  const prepared = statements.map((sql) => database.prepare(sql))
  return (values) => {
    for (const statement of prepared) statement.run(values)
  }
}

function idList(ids: readonly string[] | undefined): string | null {
  return ids === undefined ? null : JSON.stringify(ids)
}
