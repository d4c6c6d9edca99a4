import type { DatabaseSync } from 'node:sqlite'
import { prepareCountMissed, preparePassHeld, sentOn } from './held-usage.ts'
import { inTransaction } from './in-transaction.ts'

/** Puts one sink in the place of another. */
export function prepareRename(database: DatabaseSync): (from: string, to: string) => boolean {
  const passHeld = preparePassHeld(database)
  const countMissed = prepareCountMissed(database)
  const ask = database.prepare('SELECT held_to AS heldTo FROM sinks WHERE name = ?')
  const run = (sql: string) => {
    const statement = database.prepare(sql)
    return (names: { from: string; to: string }) => void statement.run(names)
  }
  const rename = run('UPDATE sinks SET name = :to WHERE name = :from')
  // What is held for the new one, of before it, takes the state that it has with the old one.
  const released = `UPDATE items SET ${sentOn}, held = 0`
  const old = `sink = :to AND held = 1 AND seq <= (SELECT held_to FROM sinks WHERE name = :to)`
  const release = run(
    `${released} WHERE ${old} AND seq > (SELECT cursor FROM sinks WHERE name = :from)`,
  )
  const deliver = run(
    `DELETE FROM items WHERE ${old}
       AND NOT EXISTS (SELECT 1 FROM items AS theirs
         WHERE theirs.sink = :from AND theirs.seq = items.seq)`,
  )
  const leaveTheirs = run(
    `DELETE FROM items WHERE sink = :from AND NOT EXISTS (
       SELECT 1 FROM items AS own WHERE own.sink = :to AND own.seq = items.seq AND own.held = 1
         AND own.seq <= (SELECT held_to FROM sinks WHERE name = :to))`,
  )
  const leaveOwn = run(
    `DELETE FROM items WHERE ${old}
       AND EXISTS (SELECT 1 FROM items AS theirs
         WHERE theirs.sink = :from AND theirs.seq = items.seq)`,
  )
  const add = run(
    `UPDATE sinks SET (delivered, discarded, first) = (
       SELECT sinks.delivered + theirs.delivered, sinks.discarded + theirs.discarded, theirs.first
       FROM sinks AS theirs WHERE theirs.name = :from),
       held_to = 0, held_for = '[]'
     WHERE name = :to`,
  )
  const moveItems = run('UPDATE items SET sink = :to WHERE sink = :from')
  const moveBatches = run('UPDATE batches SET sink = :to WHERE sink = :from')
  const emptyBatches = database.prepare(
    `DELETE FROM batches WHERE sink = ?
       AND NOT EXISTS (SELECT 1 FROM items WHERE batch = batches.id)`,
  )
  const clearMarks = database.prepare(
    'DELETE FROM marks WHERE NOT EXISTS (SELECT 1 FROM batches WHERE id = batch)',
  )
  const moveRefused = run('UPDATE OR IGNORE refused_events SET sink = :to WHERE sink = :from')
  const leave = [
    'DELETE FROM refused_events WHERE sink = ?',
    'DELETE FROM sink_users WHERE sink = ?',
    'DELETE FROM sinks WHERE name = ?',
  ].map((sql) => database.prepare(sql))
  const remember = [
    run('DELETE FROM renamed_sinks WHERE name = :to AND :from IS NOT NULL'),
    run('UPDATE renamed_sinks SET became = :to WHERE became = :from'),
    run('INSERT OR REPLACE INTO renamed_sinks (name, became) VALUES (:from, :to)'),
  ]

  return (from, to) =>
    inTransaction(database, () => {
      const names = { from, to }
      const known = ask.get(to) as { heldTo: number } | undefined
      if (ask.get(from) === undefined || from === to || known?.heldTo === 0) return false
      if (known === undefined) rename(names)
      else {
        passHeld(to)
        release(names)
        // In this order: each looks at what the one before has left.
        leaveTheirs(names)
        deliver(names)
        leaveOwn(names)
        add(names)
      }
      moveItems(names)
      moveBatches(names)
      emptyBatches.run(to)
      clearMarks.run()
      moveRefused(names)
      for (const statement of leave) statement.run(from)
      if (known !== undefined) countMissed(to)
      for (const step of remember) step(names)
      return true
    })
}
