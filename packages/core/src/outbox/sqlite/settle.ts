import type { DatabaseSync } from 'node:sqlite'
import type { SinkResult } from '../../sink/sink.ts'
import type { Batch } from '../outbox.ts'
import { inTransaction } from './in-transaction.ts'

interface HeldItem {
  readonly id: string
  readonly seq: number
  readonly claimedAt: number
  readonly deliveredEventIds: string
}

export function prepareSettle(
  database: DatabaseSync,
  now: () => number,
): (batch: Batch, results: readonly SinkResult[]) => boolean {
  const countHeld = database.prepare(
    `SELECT count(*) AS count FROM batches JOIN items ON items.batch = batches.id
     WHERE batches.id = ? AND batches.lease = ?`,
  )
  const deliverAll = database.prepare('DELETE FROM items WHERE batch = ?')
  const held = database.prepare(
    `SELECT records.id AS id, records.seq AS seq, claimed_at AS claimedAt,
       delivered_event_ids AS deliveredEventIds
     FROM batches JOIN items ON items.batch = batches.id JOIN records ON records.seq = items.seq
     WHERE batches.id = ? AND batches.lease = ?`,
  )
  const deliver = database.prepare('DELETE FROM items WHERE sink = ? AND seq = ?')
  const bury = database.prepare(
    `UPDATE items SET state = 'dead', batch = NULL, delivered_event_ids = ?, reason = ?,
       failed_at = ?
     WHERE sink = ? AND seq = ?`,
  )
  const keep = database.prepare(
    `UPDATE items SET delivered_event_ids = ?, uncertain_since = coalesce(uncertain_since, ?)
     WHERE sink = ? AND seq = ?`,
  )
  const countDelivered = database.prepare(
    'UPDATE sinks SET delivered = delivered + ? WHERE name = ?',
  )
  const wait = database.prepare('UPDATE batches SET lease = NULL, due_at = ? WHERE id = ?')
  const finish = database.prepare('DELETE FROM batches WHERE id = ?')

  return (batch, results) =>
    inTransaction(database, () => {
      const { id, sink, lease } = batch
      const { count } = countHeld.get(id, lease) as { count: number }
      if (count === 0) return false
      if (count === batch.entries.length && areAllAccepted(batch, results)) {
        deliverAll.run(id)
        countDelivered.run(count, sink)
        finish.run(id)
        return true
      }
      const rows = held.all(id, lease) as unknown as HeldItem[]
      const items = new Map(rows.map((item) => [item.id, item]))
      let delivered = 0
      let waitMs = 0
      batch.entries.forEach(({ record }, index) => {
        const item = items.get(record.id)
        const result = results[index]
        if (item === undefined) return
        if (result === undefined || result.status === 'retry') {
          waitMs = Math.max(waitMs, result?.afterMs ?? 0)
          const mayHaveArrived = result === undefined || result.uncertain === true
          if (mayHaveArrived || result.deliveredEventIds?.length) {
            const uncertainSince = mayHaveArrived ? item.claimedAt : null
            keep.run(union(item, result), uncertainSince, sink, item.seq)
          }
          return
        }
        items.delete(record.id)
        if (result.status === 'rejected') {
          bury.run(union(item, result), result.reason, now(), sink, item.seq)
        } else {
          deliver.run(sink, item.seq)
          delivered++
        }
      })
      if (delivered > 0) countDelivered.run(delivered, sink)
      if (items.size === 0) finish.run(id)
      else wait.run(now() + waitMs, id)
      return true
    })
}

/** What nearly every batch comes to. */
function areAllAccepted({ entries }: Batch, results: readonly SinkResult[]): boolean {
  return entries.every((_, index) => results[index]?.status === 'accepted')
}

function union(item: HeldItem, result: SinkResult | undefined): string {
  const earlier = JSON.parse(item.deliveredEventIds) as string[]
  return JSON.stringify([...new Set([...earlier, ...(result?.deliveredEventIds ?? [])])])
}
