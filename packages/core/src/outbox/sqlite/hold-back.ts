import type { DatabaseSync } from 'node:sqlite'

/** Puts what a claim must not give out aside, as held. See ../held-usage.ts. */
export interface HoldBack {
  /** Of the first fresh records after the cursor; answers how many. */
  fresh(sink: string, gate: Gate, limit: number): number
  /** Of what was requeued. */
  requeued(sink: string, gate: Gate): void
  /** Of a batch that comes again; answers whether something of it is left. */
  batched(batch: string, gate: Gate): boolean
}

/** Where a sink stands, and whether it bills for real. */
export interface Gate {
  readonly cursor: number
  readonly heldTo: number
  readonly isLive: boolean
}

/** What an attempt at another backend left says nothing about this one. */
const afresh = `state = 'discarded', held = 1, batch = NULL, attempts = 0, first_attempt_at = NULL,
  uncertain_since = NULL, uncertain_event_ids = NULL, uncertain_in = NULL, delivered_event_ids = '[]',
  reason = NULL, code = NULL, since = NULL, failed_at = NULL`

export function prepareHoldBack(database: DatabaseSync): HoldBack {
  const window = `(SELECT seq, is_test FROM records
    WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit)
    WHERE seq <= :heldTo OR (:isLive AND is_test)`
  const anyFresh = database.prepare(`SELECT 1 FROM ${window} LIMIT 1`)
  const holdFresh = database.prepare(
    `INSERT INTO items (sink, seq, state, held) SELECT :sink, seq, 'discarded', 1 FROM ${window}`,
  )
  const holdRequeued = database.prepare(
    `UPDATE items SET ${afresh} WHERE sink = :sink AND state = 'requeued' AND held = 0
       AND (seq <= :heldTo OR (:isLive
         AND EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq AND is_test)))`,
  )
  const holdBatched = database.prepare(
    `UPDATE items SET ${afresh} WHERE batch = ? AND held = 0
       AND EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq AND is_test)`,
  )
  const isLeft = database.prepare('SELECT 1 FROM items WHERE batch = ? LIMIT 1')

  return {
    fresh(sink, { cursor, heldTo, isLive }, limit) {
      if (!isLive && heldTo <= cursor) return 0
      const given = { cursor, heldTo, isLive: Number(isLive), limit }
      if (anyFresh.get(given) === undefined) return 0
      return Number(holdFresh.run({ ...given, sink }).changes)
    },
    requeued(sink, { heldTo, isLive }) {
      if (isLive || heldTo > 0) holdRequeued.run({ sink, heldTo, isLive: Number(isLive) })
    },
    batched(batch, { isLive }) {
      if (!isLive || holdBatched.run(batch).changes === 0) return true
      return isLeft.get(batch) !== undefined
    },
  }
}
