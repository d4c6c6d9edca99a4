import type { Outbox } from '@token-meter/core/outbox'
import type { Ask, Database } from './database.ts'
import { doubtOf } from './identity/doubt-of.ts'
import { idList, plainText } from './sql-text.ts'

/** An item that is held from now on: what an attempt at another backend left says nothing. */
export const afresh = `state = 'discarded', held = 1, batch = NULL, attempts = 0,
  first_attempt_at = NULL, uncertain_since = NULL, uncertain_event_ids = NULL, uncertain_in = NULL,
  delivered_event_ids = '{}', reason = NULL, code = NULL, since = NULL, failed_at = NULL`

/** An item that is on its way again. In a copy the original may have sent it meanwhile. */
export function sentOn(schema: string): string {
  return `state = 'requeued', uncertain_since = ${doubtOf(schema, 'seq')}`
}

/** Sends what is held on its way, or gives it up. */
export function prepareHeldUsage(database: Database): Pick<Outbox, 'release' | 'drop'> {
  const { schema, locks } = database
  const chosen = `sink = $1 AND held = 1 AND ($2::text[] IS NULL OR seq IN (
    SELECT seq FROM ${schema}.records WHERE id = ANY ($2::text[])))`
  const release = `UPDATE ${schema}.items SET ${sentOn(schema)}, held = 2 WHERE ${chosen}
    RETURNING 1`
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
        if (ids === undefined) await ask(endHold(schema), [plainText(sink)])
        return released.length
      }),
    async drop(sink, ids) {
      const rows = await database.query<{ count: unknown }>(drop, [plainText(sink), idList(ids)])
      return Number(rows[0]?.count)
    },
  }
}

export function endHold(schema: string): string {
  return `UPDATE ${schema}.sinks SET held_to = 0, held_for = '{}' WHERE name = $1`
}

/** Sets how many records a sink missed by what it has, so that its counts add up. */
export function countMissed(schema: string): string {
  return `UPDATE ${schema}.sinks SET missed =
      (SELECT coalesce(sum(recorded), 0) FROM ${schema}.tallies) - delivered - discarded
      - (SELECT count(*) FROM ${schema}.items
        WHERE items.sink = name AND (state <> 'discarded' OR held = 1))
      - (SELECT count(*) FROM ${schema}.records WHERE seq > cursor AND customer IS NOT NULL)
      - (SELECT count(*) FROM ${schema}.holes JOIN ${schema}.records USING (seq)
        WHERE holes.sink = name AND customer IS NOT NULL)
      - (SELECT count(*) FROM ${schema}.records WHERE seq > start AND customer IS NULL)
    WHERE name = $1`
}

/** Everything of before a sink is held, whether or not a claim has come to it. */
export async function passHeld(ask: Ask, schema: string, sink: string): Promise<void> {
  await ask(
    `INSERT INTO ${schema}.items (sink, seq, state, held)
     SELECT name, seq, 'discarded', 1 FROM ${schema}.sinks JOIN ${schema}.records
       ON seq > cursor AND seq <= held_to
     WHERE name = $1 AND customer IS NOT NULL`,
    [sink],
  )
  await ask(`UPDATE ${schema}.sinks SET cursor = greatest(cursor, held_to) WHERE name = $1`, [sink])
}
