import type { DatabaseSync } from 'node:sqlite'
import type { Batch, BatchMarks } from '../../sink/batch.ts'
import type { SinkResult } from '../../sink/sink-result.ts'
import { type AttemptedRecord, coveredCode, type Outcome, outcomeOf, waitMs } from '../rules.ts'
import {
  uncertainColumns,
  type UncertainRow,
  uncertaintyOf,
  uncertaintyValues,
} from './batch-entries.ts'
import { inTransaction } from './node-sqlite.ts'

interface ItemRow extends UncertainRow {
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
  const isHeld = database.prepare('SELECT 1 FROM batches WHERE id = ? AND lease = ?')
  const columns = `records.id AS id, records.seq AS seq, claimed_at AS claimedAt, ${uncertainColumns},
    delivered_event_ids AS deliveredEventIds`
  const allItems = database.prepare(
    `SELECT ${columns} FROM batches JOIN items ON items.batch = batches.id
       JOIN records ON records.seq = items.seq
     WHERE batches.id = ?`,
  )
  const oneItem = database.prepare(
    `SELECT ${columns} FROM records JOIN items ON items.seq = records.seq
       JOIN batches ON batches.id = items.batch
     WHERE records.id = ? AND items.sink = ? AND items.batch = ?`,
  )
  const isAnyLeft = database.prepare('SELECT 1 FROM items WHERE batch = ? LIMIT 1')
  const deliverAll = database.prepare('DELETE FROM items WHERE batch = ?')
  const deliverSome = database.prepare(
    `DELETE FROM items WHERE sink = :sink AND batch = :id AND seq IN (
       SELECT seq FROM records WHERE id IN (SELECT value FROM json_each(:ids)))`,
  )
  const deliver = database.prepare('DELETE FROM items WHERE sink = ? AND seq = ?')
  const cover = database.prepare(
    `UPDATE items SET state = 'discarded', code = '${coveredCode}', batch = NULL, reason = NULL
     WHERE sink = ? AND seq = ?`,
  )
  const countCovered = database.prepare('UPDATE sinks SET covered = covered + ? WHERE name = ?')
  const deadLetter = database.prepare(
    `UPDATE items SET state = 'dead', batch = NULL, delivered_event_ids = ?, reason = ?,
       code = ?, since = ?, failed_at = ?
     WHERE sink = ? AND seq = ?`,
  )
  const keep = database.prepare(
    `UPDATE items SET delivered_event_ids = ?, uncertain_since = ?, uncertain_event_ids = ?,
       uncertain_in = ?
     WHERE sink = ? AND seq = ?`,
  )
  const begin = database.prepare('INSERT INTO marks (batch, request, parts) VALUES (?, ?, ?)')
  const end = database.prepare('DELETE FROM marks WHERE batch = ? AND request = ?')
  const endAll = database.prepare('DELETE FROM marks WHERE batch = ?')
  const countDelivered = database.prepare(
    'UPDATE sinks SET delivered = delivered + ? WHERE name = ?',
  )
  const wait = database.prepare('UPDATE batches SET lease = NULL, due_at = ? WHERE id = ?')
  const finish = database.prepare('DELETE FROM batches WHERE id = ?')

  const apply = (sink: string, seq: number, known: AttemptedRecord, outcome: Outcome): void => {
    if (outcome.state === 'delivered') {
      deliver.run(sink, seq)
      return
    }
    if (outcome.state === 'covered') {
      cover.run(sink, seq)
      return
    }
    const eventIds = JSON.stringify(outcome.deliveredEventIds)
    if (outcome.state === 'dead') {
      const { reason, refusal } = outcome
      const { code = null, since = null } = refusal
      deadLetter.run(eventIds, reason, code, since, now(), sink, seq)
      return
    }
    const { uncertain, deliveredEventIds } = outcome
    if (uncertain === known.uncertain && deliveredEventIds === known.deliveredEventIds) return
    keep.run(eventIds, ...uncertaintyValues(uncertain), sink, seq)
  }

  const mark = (batch: Batch, { sending, over, known }: BatchMarks) =>
    inTransaction(database, () => {
      const { id, sink, lease } = batch
      if (isHeld.get(id, lease) === undefined) return false
      const accepted = known.flatMap(({ recordId, result }) =>
        isPlainlyAccepted(result) ? recordId : [],
      )
      const ids = JSON.stringify(accepted)
      const delivered = accepted.length > 0 ? Number(deliverSome.run({ sink, id, ids }).changes) : 0
      let isAnySettled = delivered > 0
      let covered = 0
      for (const { recordId, result } of known) {
        if (isPlainlyAccepted(result)) continue
        const item = oneItem.get(recordId, sink, id) as unknown as ItemRow | undefined
        if (item === undefined) continue
        const attempted = attemptedRecord(item)
        const outcome = outcomeOf(attempted, result)
        if (outcome.state !== 'batched') isAnySettled = true
        if (outcome.state === 'covered') covered++
        apply(sink, item.seq, attempted, outcome)
      }
      for (const request of over) end.run(id, request)
      for (const { request, parts } of sending) begin.run(id, request, JSON.stringify(parts))
      if (delivered > 0) countDelivered.run(delivered, sink)
      if (covered > 0) countCovered.run(covered, sink)
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
      const rows = allItems.all(id) as unknown as ItemRow[]
      const items = new Map(rows.map((item) => [item.id, item]))
      let delivered = 0
      let covered = 0
      batch.entries.forEach(({ record }, index) => {
        const item = items.get(record.id)
        if (item === undefined) return
        const attempted = attemptedRecord(item)
        const claim = { batchId: id, claimedAt: item.claimedAt }
        const outcome = outcomeOf(attempted, results[index], claim)
        apply(sink, item.seq, attempted, outcome)
        if (outcome.state === 'delivered') delivered++
        if (outcome.state === 'covered') covered++
        if (outcome.state !== 'batched') items.delete(record.id)
      })
      if (delivered > 0) countDelivered.run(delivered, sink)
      if (covered > 0) countCovered.run(covered, sink)
      if (items.size === 0) finish.run(id)
      else wait.run(now() + waitMs(results), id)
      return true
    })

  return { mark, settle }
}

/** What nearly every batch comes to. */
function areAllAccepted({ entries }: Batch, results: readonly SinkResult[]): boolean {
  return entries.every((_, index) => isPlainlyAccepted(results[index]))
}

function isPlainlyAccepted(result: SinkResult | undefined): boolean {
  return result?.status === 'accepted' && result.code === undefined
}

function attemptedRecord(row: ItemRow): AttemptedRecord {
  return {
    uncertain: uncertaintyOf(row),
    deliveredEventIds: JSON.parse(row.deliveredEventIds) as string[],
  }
}
