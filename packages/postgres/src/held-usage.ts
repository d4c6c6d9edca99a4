import {
  countSkippedSql,
  type Outbox,
  passHeldSql,
  sentOn,
  takePlaceSql,
} from '@token-meter/core/outbox'
import type { Ask, Database } from './database.ts'
import { doubtOf } from './heartbeat.ts'
import { idList, plainText } from './sql-text.ts'

/** Sends what is held on its way, or gives it up. */
export function prepareHeldUsage(database: Database): Pick<Outbox, 'release' | 'drop'> {
  const { schema, locks } = database
  const chosen = `sink = $1 AND held = 1 AND ($2::text[] IS NULL OR seq IN (
    SELECT seq FROM ${schema}.records WHERE id = ANY ($2::text[])))`
  const release = `UPDATE ${schema}.items SET ${sentOn(doubtOf(schema, 'seq'))}, held = 2
    WHERE ${chosen} RETURNING 1`
  const drop = `WITH moved AS (
      UPDATE ${schema}.items SET held = 0 WHERE ${chosen} RETURNING 1
    ), counted AS (
      UPDATE ${schema}.sinks SET discarded = discarded + (SELECT count(*) FROM moved)
      WHERE name = $1 AND EXISTS (SELECT FROM moved))
    SELECT count(*) AS count FROM moved`

  return {
    release: (sink, ids) =>
      database.transaction(async (ask) => {
        await ask(locks.sink(sink))
        const released = await ask(release, [plainText(sink), idList(ids)])
        if (ids === undefined) await endHold(ask, schema, plainText(sink))
        return released.length
      }),
    async drop(sink, ids) {
      const rows = await database.query<{ count: unknown }>(drop, [plainText(sink), idList(ids)])
      return Number(rows[0]?.count)
    },
  }
}

/** What came before a sink goes out: that it is no test usage is for the claim to see. */
export async function sendOldOn(ask: Ask, schema: string, sink: string): Promise<void> {
  await ask(
    `UPDATE ${schema}.items SET ${sentOn(doubtOf(schema, 'seq'))}, held = 0
     WHERE sink = $1 AND held = 1
       AND seq <= (SELECT held_to FROM ${schema}.sinks WHERE name = $1)`,
    [sink],
  )
  await endHold(ask, schema, sink)
}

/** What came before a sink goes out from a moment on, and is not counted before it. */
export async function beginOldAt(
  ask: Ask,
  schema: string,
  { sink, sinceMs }: { readonly sink: string; readonly sinceMs: number },
): Promise<void> {
  await passHeld(ask, schema, sink)
  await ask(
    `UPDATE ${schema}.sinks SET start = greatest(start, coalesce((SELECT min(seq) - 1
       FROM ${schema}.records WHERE seq > start AND seq <= held_to AND at >= $2::float8), held_to))
     WHERE name = $1`,
    [sink, sinceMs],
  )
  await ask(
    `DELETE FROM ${schema}.items WHERE sink = $1 AND held = 1
       AND seq <= (SELECT start FROM ${schema}.sinks WHERE name = $1)`,
    [sink],
  )
  await sendOldOn(ask, schema, sink)
  await countSkipped(ask, schema, sink)
}

/** Puts one sink in the place of another. */
export function prepareRename(database: Database): Outbox['rename'] {
  const { schema, locks } = database
  const takePlace = [
    ...takePlaceSql(tableOf(schema), {
      from: '$1',
      to: '$2',
      // What the old one has not come to is pending, also where it has only left a hole.
      isAhead: `(items.seq > (SELECT cursor FROM ${schema}.sinks WHERE name = $1)
        OR EXISTS (SELECT FROM ${schema}.holes WHERE holes.sink = $1 AND holes.seq = items.seq))`,
      first: 'start',
      noNames: `'{}'`,
      doubt: doubtOf(schema, 'items.seq'),
    }),
    `DELETE FROM ${schema}.holes WHERE sink = $1 AND $2::text IS NOT NULL`,
  ]
  const move = [
    `UPDATE ${schema}.items SET sink = $2 WHERE sink = $1`,
    `UPDATE ${schema}.holes SET sink = $2 WHERE sink = $1`,
    `UPDATE ${schema}.batches SET sink = $2 WHERE sink = $1`,
    `WITH ended AS (DELETE FROM ${schema}.batches WHERE sink = $2 AND $1::text IS NOT NULL
       AND NOT EXISTS (SELECT FROM ${schema}.items WHERE batch = batches.id) RETURNING id)
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
      if (known !== undefined) await countSkipped(ask, schema, to)
      await ask(`DELETE FROM ${schema}.renamed_sinks WHERE name = $1`, [to])
      await ask(`UPDATE ${schema}.renamed_sinks SET became = $2 WHERE became = $1`, names)
      await ask(`INSERT INTO ${schema}.renamed_sinks (name, became) VALUES ($1, $2)`, names)
      return true
    })
}

async function endHold(ask: Ask, schema: string, sink: string): Promise<void> {
  await ask(`UPDATE ${schema}.sinks SET held_to = 0, held_for = '{}' WHERE name = $1`, [sink])
}

/** Everything of before a sink is held, whether or not a claim has come to it. */
async function passHeld(ask: Ask, schema: string, sink: string): Promise<void> {
  for (const step of passHeldSql(tableOf(schema), '$1')) await ask(step, [sink])
}

async function countSkipped(ask: Ask, schema: string, sink: string): Promise<void> {
  const count = countSkippedSql(tableOf(schema), '$1', {
    recorded: `SELECT coalesce(sum(recorded), 0) FROM ${schema}.tallies`,
    isCounted: 'seq > start',
    late: `SELECT count(*) FROM ${schema}.holes JOIN ${schema}.records USING (seq)
      WHERE holes.sink = name AND customer IS NOT NULL`,
  })
  await ask(count, [sink])
}

function tableOf(schema: string): (table: string) => string {
  return (table) => `${schema}.${table}`
}
