import type { DatabaseSync } from 'node:sqlite'
import { refusalOf } from '../../errors/refusal.ts'
import type { DeadLetter, Outbox, SettledState } from '../outbox.ts'
import { fromBody } from '../record-body.ts'
import { isCoveredSql, requeuedAfresh } from '../rules-sql.ts'
import { correctedEvents } from '../rules.ts'
import { inTransaction } from './node-sqlite.ts'

interface DeadRow {
  readonly body: string
  readonly customer: string | null
  readonly reason: string
  readonly code: string | null
  readonly since: number | null
  readonly attempts: number
  readonly failedAt: number
}

/** Dead items of a sink: the ones named in a JSON array of record ids, or all where it is null. */
const chosen = `sink = :sink AND state = 'dead' AND (:ids IS NULL OR seq IN (
  SELECT seq FROM records WHERE id IN (SELECT value FROM json_each(:ids))))`

export function prepareDeadLetters(
  database: DatabaseSync,
): Pick<Outbox, 'deadLetters' | 'requeue' | 'discard'> {
  const list = database.prepare(
    `SELECT body, customer, reason, code, since, attempts, failed_at AS failedAt
     FROM items JOIN records ON records.seq = items.seq
     WHERE sink = ? AND state = 'dead' ORDER BY failed_at, items.seq LIMIT ?`,
  )
  const requeue = database.prepare(`UPDATE items SET ${requeuedAfresh} WHERE ${chosen}`)
  const discard = database.prepare(`UPDATE items SET state = 'discarded' WHERE ${chosen}`)
  const countDiscarded = database.prepare(
    'UPDATE sinks SET discarded = discarded + ? WHERE name = ?',
  )

  return {
    deadLetters(sink, limit = noLimit) {
      const rows = list.all(sink, limit) as unknown as DeadRow[]
      return rows.map(({ body, customer, reason, attempts, failedAt, ...refusal }): DeadLetter => ({
        record: fromBody(body, customer),
        sink,
        reason,
        ...refusalOf(refusal),
        attempts,
        failedAt,
      }))
    },
    requeue: (sink, ids) => Number(requeue.run({ sink, ids: idList(ids) }).changes),
    discard: (sink, ids) =>
      inTransaction(database, () => {
        const count = Number(discard.run({ sink, ids: idList(ids) }).changes)
        countDiscarded.run(count, sink)
        return count
      }),
  }
}

/** To SQLite, a negative limit is none. */
const noLimit = -1

function idList(ids: readonly string[] | undefined): string | null {
  return ids === undefined ? null : JSON.stringify(ids)
}

interface SettledRow {
  readonly seq: number
  readonly state: SettledState | 'covered'
  readonly deliveredEventIds: string
  readonly refusedEventIds: string
}

/** Moves records that a sink has settled from one end to another. */
export function prepareCorrect(database: DatabaseSync, now: () => number): Outbox['correct'] {
  const settled = database.prepare(
    `SELECT records.seq AS seq,
       CASE WHEN ${isCoveredSql} THEN 'covered' ELSE coalesce(items.state, 'delivered') END AS state,
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
    `UPDATE sinks SET delivered = delivered + ?, discarded = discarded + ?, covered = covered + ?
     WHERE name = ?`,
  )

  return (sink, ids, correction) =>
    inTransaction(database, () => {
      const { state: to, reason } = correction
      const rows = settled.all({ sink, ids: JSON.stringify(ids) }) as unknown as SettledRow[]
      const gained = { delivered: 0, dead: 0, discarded: 0, covered: 0 }
      const { code, since } = refusalOf(correction)
      let moved = 0
      for (const row of rows) {
        const { seq, state: from } = row
        const known = knownEvents(row)
        const corrected = correctedEvents(
          known,
          from === 'covered' ? 'discarded' : from,
          correction,
        )
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
      count.run(gained.delivered, gained.discarded, gained.covered, sink)
      return moved
    })
}

function knownEvents({ deliveredEventIds, refusedEventIds }: SettledRow) {
  return {
    deliveredEventIds: JSON.parse(deliveredEventIds) as string[],
    refusedEventIds: JSON.parse(refusedEventIds) as string[],
  }
}
