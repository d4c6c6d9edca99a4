import type { DatabaseSync } from 'node:sqlite'
import { correctedEvents } from '../corrected-events.ts'
import type { Outbox } from '../outbox.ts'
import { refusalOf } from '../../errors/refusal.ts'
import { inTransaction } from './in-transaction.ts'

interface SettledRow {
  readonly seq: number
  readonly state: 'delivered' | 'dead' | 'discarded'
  readonly deliveredEventIds: string
  readonly refusedEventIds: string
}

/** Moves records that a sink has settled from one end to another. */
export function prepareCorrect(database: DatabaseSync, now: () => number): Outbox['correct'] {
  const settled = database.prepare(
    `SELECT records.seq AS seq, coalesce(items.state, 'delivered') AS state,
       coalesce(delivered_event_ids, '[]') AS deliveredEventIds,
       coalesce(ids, '[]') AS refusedEventIds
     FROM records JOIN sinks ON sinks.name = :sink AND records.seq BETWEEN first AND cursor
       LEFT JOIN items ON items.sink = :sink AND items.seq = records.seq
       LEFT JOIN refused_events AS refused ON refused.sink = :sink AND refused.seq = records.seq
     WHERE customer IS NOT NULL AND (items.state IS NULL OR items.state IN ('dead', 'discarded'))
       AND items.held IS NOT 1 AND id IN (SELECT value FROM json_each(:ids))
     ORDER BY records.seq`,
  )
  const deliver = database.prepare('DELETE FROM items WHERE sink = ? AND seq = ?')
  const move = database.prepare(
    `INSERT INTO items (sink, seq, state, attempts, reason, code, since, failed_at)
     VALUES (?, ?, ?, 1, ?, ?, ?, ?)
     ON CONFLICT (sink, seq) DO UPDATE
     SET state = excluded.state, reason = excluded.reason, code = excluded.code,
       since = excluded.since, failed_at = excluded.failed_at`,
  )
  const learnDelivered = database.prepare(
    'UPDATE items SET delivered_event_ids = ? WHERE sink = ? AND seq = ?',
  )
  const learnRefused = database.prepare(
    `INSERT INTO refused_events (sink, seq, ids) VALUES (?, ?, ?)
     ON CONFLICT (sink, seq) DO UPDATE SET ids = excluded.ids`,
  )
  const count = database.prepare(
    'UPDATE sinks SET delivered = delivered + ?, discarded = discarded + ? WHERE name = ?',
  )

  return (sink, ids, correction) =>
    inTransaction(database, () => {
      const { state: to, reason } = correction
      const rows = settled.all({ sink, ids: JSON.stringify(ids) }) as unknown as SettledRow[]
      const gained = { delivered: 0, dead: 0, discarded: 0 }
      const { code, since } = refusalOf(correction)
      let moved = 0
      for (const row of rows) {
        const { seq, state: from } = row
        const known = knownEvents(row)
        const corrected = correctedEvents(known, from, correction)
        if (corrected === undefined) continue
        if (from !== to) {
          if (to === 'delivered') deliver.run(sink, seq)
          else move.run(sink, seq, to, reason, code ?? null, since ?? null, now())
          gained[from]--
          gained[to]++
          moved++
        }
        if (corrected === known) continue
        learnDelivered.run(JSON.stringify(corrected.deliveredEventIds), sink, seq)
        if (corrected.refusedEventIds.length > 0) {
          learnRefused.run(sink, seq, JSON.stringify(corrected.refusedEventIds))
        }
      }
      count.run(gained.delivered, gained.discarded, sink)
      return moved
    })
}

function knownEvents({ deliveredEventIds, refusedEventIds }: SettledRow) {
  return {
    deliveredEventIds: JSON.parse(deliveredEventIds) as string[],
    refusedEventIds: JSON.parse(refusedEventIds) as string[],
  }
}
