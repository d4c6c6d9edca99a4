import type { Outbox } from '@token-meter/core/outbox'
import type { Database } from '../database.ts'
import { countMissed, passHeld, sentOn } from '../held-usage.ts'
import { plainText } from '../sql-text.ts'

/** Puts one sink in the place of another. */
export function prepareRename(database: Database): Outbox['rename'] {
  const { schema, locks } = database
  const items = `${schema}.items`
  /** What is held for the new one, of before it. */
  const old = `items.sink = $2 AND items.held = 1
    AND items.seq <= (SELECT held_to FROM ${schema}.sinks WHERE name = $2)`
  const isTheirs = `EXISTS (
    SELECT FROM ${items} AS theirs WHERE theirs.sink = $1 AND theirs.seq = items.seq)`
  // What the old one has not come to is pending, also where it has only left a hole.
  const isAhead = `(items.seq > (SELECT cursor FROM ${schema}.sinks WHERE name = $1)
    OR EXISTS (SELECT FROM ${schema}.holes WHERE holes.sink = $1 AND holes.seq = items.seq))`
  // In this order: each looks at what the one before has left.
  const takePlace = [
    `UPDATE ${items} SET ${sentOn(schema)}, held = 0 WHERE ${old} AND ${isAhead}`,
    `DELETE FROM ${items} AS items WHERE items.sink = $1 AND NOT EXISTS (
       SELECT FROM ${items} AS own WHERE own.sink = $2 AND own.seq = items.seq AND own.held = 1
         AND own.seq <= (SELECT held_to FROM ${schema}.sinks WHERE name = $2))`,
    `DELETE FROM ${items} AS items WHERE ${old} AND NOT ${isTheirs}`,
    `DELETE FROM ${items} AS items WHERE ${old} AND ${isTheirs}`,
    `UPDATE ${schema}.sinks AS own SET delivered = own.delivered + theirs.delivered,
       discarded = own.discarded + theirs.discarded, start = theirs.start,
       held_to = 0, held_for = '{}'
     FROM ${schema}.sinks AS theirs WHERE own.name = $2 AND theirs.name = $1`,
    `DELETE FROM ${schema}.holes WHERE sink = $1 AND $2::text IS NOT NULL`,
  ]
  const move = [
    `UPDATE ${items} SET sink = $2 WHERE sink = $1`,
    `UPDATE ${schema}.holes SET sink = $2 WHERE sink = $1`,
    `UPDATE ${schema}.batches SET sink = $2 WHERE sink = $1`,
    `WITH ended AS (DELETE FROM ${schema}.batches WHERE sink = $2 AND $1::text IS NOT NULL
       AND NOT EXISTS (SELECT FROM ${items} WHERE batch = batches.id) RETURNING id)
     DELETE FROM ${schema}.marks USING ended WHERE batch = ended.id`,
    `UPDATE ${schema}.refused_events AS refused SET sink = $2 WHERE sink = $1 AND NOT EXISTS (
       SELECT FROM ${schema}.refused_events AS own WHERE own.sink = $2 AND own.seq = refused.seq)`,
  ]
  const leave = ['refused_events', 'sink_users'].map(
    (table) => `DELETE FROM ${schema}.${table} WHERE sink = $1`,
  )

  return (given, becomes) =>
    database.transaction(async (ask) => {
      await ask(locks.everySink())
      const names = [plainText(given), plainText(becomes)]
      const [from, to] = names as [string, string]
      const rows = await ask<{ name: string; heldTo: unknown }>(
        `SELECT name, held_to AS "heldTo" FROM ${schema}.sinks WHERE name = ANY ($1::text[])`,
        [names],
      )
      const known = rows.find(({ name }) => name === to)
      const isHeld = known === undefined || Number(known.heldTo) > 0
      if (from === to || !isHeld || !rows.some(({ name }) => name === from)) return false
      if (known === undefined) {
        await ask(`UPDATE ${schema}.sinks SET name = $2 WHERE name = $1`, names)
      } else {
        await passHeld(ask, schema, to)
        for (const step of takePlace) await ask(step, names)
      }
      for (const step of move) await ask(step, names)
      for (const step of leave) await ask(step, [from])
      await ask(`DELETE FROM ${schema}.sinks WHERE name = $1`, [from])
      if (known !== undefined) await ask(countMissed(schema), [to])
      await ask(`DELETE FROM ${schema}.renamed_sinks WHERE name = $1`, [to])
      await ask(`UPDATE ${schema}.renamed_sinks SET became = $2 WHERE became = $1`, names)
      await ask(`INSERT INTO ${schema}.renamed_sinks (name, became) VALUES ($1, $2)`, names)
      return true
    })
}
