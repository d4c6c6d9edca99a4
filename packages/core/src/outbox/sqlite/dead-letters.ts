import type { DatabaseSync } from 'node:sqlite'
import type { DeadLetter, Outbox } from '../outbox.ts'
import { inTransaction } from './in-transaction.ts'
import { fromBody } from '../record-body.ts'
import { refusalOf } from '../../errors/refusal.ts'

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
  // It starts over, but what the sink already has of it stays known.
  const requeue = database.prepare(
    `UPDATE items SET state = 'requeued', attempts = 0, first_attempt_at = NULL,
       uncertain_since = NULL, uncertain_event_ids = NULL, uncertain_in = NULL, reason = NULL, code = NULL, since = NULL, failed_at = NULL
     WHERE ${chosen}`,
  )
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
