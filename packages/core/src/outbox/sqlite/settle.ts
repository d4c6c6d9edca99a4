import type { DatabaseSync } from 'node:sqlite'
import type { SinkResult } from '../../sink/sink.ts'
import type { Batch, BatchMarks } from '../../sink/batch.ts'
import { prepareLearnUncertain } from './doubt.ts'
import { inTransaction } from './in-transaction.ts'

interface HeldItem {
  readonly id: string
  readonly seq: number
  readonly claimedAt: number
  readonly deliveredEventIds: string
}

/** Writes what became of a claimed batch: in parts while it is being sent, and at its end. */
export function prepareSettle(
  database: DatabaseSync,
  now: () => number,
): {
  readonly mark: (batch: Batch, marks: BatchMarks) => boolean
  readonly settle: (batch: Batch, results: readonly SinkResult[]) => boolean
} {
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
       code = ?, since = ?, failed_at = ?
     WHERE sink = ? AND seq = ?`,
  )
  const learnDelivered = database.prepare(
    'UPDATE items SET delivered_event_ids = ? WHERE sink = ? AND seq = ?',
  )
  const learnUncertain = prepareLearnUncertain(database)
  const isHeld = database.prepare('SELECT 1 FROM batches WHERE id = ? AND lease = ?')
  const heldItem = database.prepare(
    `SELECT records.id AS id, records.seq AS seq, claimed_at AS claimedAt,
       delivered_event_ids AS deliveredEventIds
     FROM records JOIN items ON items.seq = records.seq JOIN batches ON batches.id = items.batch
     WHERE records.id = ? AND items.sink = ? AND items.batch = ?`,
  )
  const deliverSome = database.prepare(
    `DELETE FROM items WHERE sink = :sink AND batch = :id AND seq IN (
       SELECT seq FROM records WHERE id IN (SELECT value FROM json_each(:ids)))`,
  )
  const isAnyLeft = database.prepare('SELECT 1 FROM items WHERE batch = ? LIMIT 1')
  const begin = database.prepare('INSERT INTO marks (batch, request, parts) VALUES (?, ?, ?)')
  const end = database.prepare('DELETE FROM marks WHERE batch = ? AND request = ?')
  const endAll = database.prepare('DELETE FROM marks WHERE batch = ?')
  const countDelivered = database.prepare(
    'UPDATE sinks SET delivered = delivered + ? WHERE name = ?',
  )
  const wait = database.prepare('UPDATE batches SET lease = NULL, due_at = ? WHERE id = ?')
  const finish = database.prepare('DELETE FROM batches WHERE id = ?')

  const buryItem = (sink: string, item: HeldItem, result: SinkResult) => {
    if (result.status !== 'rejected') return
    const { reason, code = null, since = null } = result
    bury.run(union(item, result), reason, code, since, now(), sink, item.seq)
  }

  const mark = (batch: Batch, { sending, over, known }: BatchMarks) =>
    inTransaction(database, () => {
      const { id, sink, lease } = batch
      if (isHeld.get(id, lease) === undefined) return false
      const accepted = known.flatMap(({ recordId, result }) =>
        result.status === 'accepted' ? recordId : [],
      )
      const ids = JSON.stringify(accepted)
      const delivered = accepted.length > 0 ? Number(deliverSome.run({ sink, id, ids }).changes) : 0
      let isAnySettled = delivered > 0
      for (const { recordId, result } of known) {
        if (result.status === 'accepted') continue
        const item = heldItem.get(recordId, sink, id) as unknown as HeldItem | undefined
        if (item === undefined) continue
        if (result.status === 'rejected') {
          isAnySettled = true
          buryItem(sink, item, result)
        } else learnDelivered.run(union(item, result), sink, item.seq)
      }
      for (const request of over) end.run(id, request)
      for (const { request, parts } of sending) begin.run(id, request, JSON.stringify(parts))
      if (delivered > 0) countDelivered.run(delivered, sink)
      if (isAnySettled && isAnyLeft.get(id) === undefined) {
        endAll.run(id)
        finish.run(id)
      }
      return true
    })

  const settle = (batch: Batch, results: readonly SinkResult[]) =>
    inTransaction(database, () => {
      const { id, sink, lease } = batch
      const { count } = countHeld.get(id, lease) as { count: number }
      if (count === 0) return false
      endAll.run(id)
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
          if (result?.deliveredEventIds?.length) {
            learnDelivered.run(union(item, result), sink, item.seq)
          }
          if (result === undefined || result.uncertain === true) {
            const { uncertainEventIds, uncertainIn } = result ?? {}
            const more = { uncertainSince: item.claimedAt, uncertainEventIds, uncertainIn }
            learnUncertain(sink, item.seq, more, id)
          }
          return
        }
        items.delete(record.id)
        if (result.status === 'rejected') {
          buryItem(sink, item, result)
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

  return { mark, settle }
}

/** What nearly every batch comes to. */
function areAllAccepted({ entries }: Batch, results: readonly SinkResult[]): boolean {
  return entries.every((_, index) => results[index]?.status === 'accepted')
}

function union(item: HeldItem, result: SinkResult | undefined): string {
  const earlier = JSON.parse(item.deliveredEventIds) as string[]
  return JSON.stringify([...new Set([...earlier, ...(result?.deliveredEventIds ?? [])])])
}
