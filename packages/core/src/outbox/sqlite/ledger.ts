import type { DatabaseSync } from 'node:sqlite'
import { refusalOf } from '../../errors/refusal.ts'
import type { LedgerEntry, LedgerPage, LedgerQuery, Outbox, RecordState } from '../outbox.ts'
import { fromBody } from '../record-body.ts'
import { stateSql } from '../rules-sql.ts'
import { doubtOf } from './heartbeat.ts'
import { inTransaction } from './node-sqlite.ts'

interface LedgerRow {
  readonly seq: number
  readonly body: string
  readonly customer: string | null
  readonly state: RecordState
  readonly reason: string | null
  readonly code: string | null
  readonly since: number | null
  readonly deliveredEventIds: string | null
  readonly refusedEventIds: string | null
}

/**
 * Reads the ledger in the order of its keys, because an index for any other would cost every append.
 * Readers lock no writer; window by window, they hold up neither this process nor a checkpoint.
 */
export function prepareLedgerPage(
  database: DatabaseSync,
): (sink: string, query?: LedgerQuery) => Promise<LedgerPage> {
  const windows = prepareRecordWindows(database)
  const select = database.prepare(
    `SELECT * FROM (
       SELECT records.seq AS seq, body, customer, reason, code, since,
         delivered_event_ids AS deliveredEventIds, ids AS refusedEventIds,
         ${stateSql('records.seq <= cursor')} AS state
       FROM records
         LEFT JOIN sinks ON sinks.name = :sink
         LEFT JOIN items ON items.sink = :sink AND items.seq = records.seq
         LEFT JOIN refused_events AS refused
           ON refused.sink = :sink AND refused.seq = records.seq
       WHERE records.seq BETWEEN max(:from, coalesce(first, 1)) AND :to
         AND (:customer IS NULL OR customer = :customer)
         AND (:fromMs IS NULL OR at >= :fromMs) AND (:untilMs IS NULL OR at < :untilMs))
     WHERE :states IS NULL OR state IN (SELECT value FROM json_each(:states))
     ORDER BY seq LIMIT :limit`,
  )

  return async (sink, { states, after = 0, limit = 1000, ...query } = {}) => {
    const filter = {
      sink,
      customer: query.customer ?? null,
      fromMs: query.fromMs ?? null,
      untilMs: query.untilMs ?? null,
      states: states === undefined ? null : JSON.stringify(states),
    }
    const wanted = Math.max(1, limit)
    const entries: LedgerEntry[] = []
    let last = after
    for await (const { from, to } of windows(after)) {
      // One more than is wanted tells whether there is a next page.
      const most = Math.min(to - from, wanted - entries.length) + 1
      const rows = select.all({ ...filter, from, to, limit: most }) as unknown as LedgerRow[]
      for (const row of rows) {
        if (entries.length >= wanted) return { entries, next: last }
        entries.push(toEntry(row))
        last = row.seq
      }
    }
    return { entries }
  }
}

function toEntry(row: LedgerRow): LedgerEntry {
  const { reason, refusedEventIds } = row
  return {
    record: fromBody(row.body, row.customer),
    state: row.state,
    deliveredEventIds: JSON.parse(row.deliveredEventIds ?? '[]') as string[],
    ...(reason !== null && { reason }),
    ...refusalOf(row),
    ...(refusedEventIds !== null && { refusedEventIds: JSON.parse(refusedEventIds) as string[] }),
  }
}

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

interface StateRow {
  readonly id: string
  readonly state: RecordState
}

/** Looking records up, and naming the customer of those that came without one. */
export function prepareLedger(
  database: DatabaseSync,
): Pick<Outbox, 'find' | 'unattributed' | 'attribute' | 'statesOf'> {
  const states = database.prepare(
    `SELECT records.id AS id, ${stateSql('records.seq <= cursor')} AS state
     FROM json_each(:ids) AS asked JOIN records ON records.id = asked.value
       LEFT JOIN sinks ON sinks.name = :sink
       LEFT JOIN items ON items.sink = :sink AND items.seq = records.seq
     WHERE records.seq >= coalesce(first, 1)`,
  )
  const find = database.prepare('SELECT body, customer FROM records WHERE id = ?')
  const unattributed = database.prepare(
    'SELECT body, customer FROM records WHERE customer IS NULL ORDER BY seq LIMIT ?',
  )
  // Where a sink's cursor has passed the record, it has to be told to go back for it.
  const requeuePassed = database.prepare(
    `INSERT INTO items (sink, seq, state, uncertain_since)
     SELECT name, seq, 'requeued', ${doubtOf('seq')} FROM records JOIN sinks ON seq BETWEEN first AND cursor
     WHERE customer IS NULL AND id IN (SELECT value FROM json_each(?))`,
  )
  const name = database.prepare(
    `UPDATE records SET customer = ?
     WHERE customer IS NULL AND id IN (SELECT value FROM json_each(?))`,
  )

  return {
    statesOf(sink, ids) {
      const rows = states.all({ sink, ids: JSON.stringify(ids) }) as unknown as readonly StateRow[]
      const byId = new Map(rows.map(({ id, state }) => [id, state]))
      return ids.map((id) => byId.get(id))
    },
    find(id) {
      const row = find.get(id) as RecordRow | undefined
      return row && fromBody(row.body, row.customer)
    },
    unattributed(limit = -1) {
      const rows = unattributed.all(limit) as unknown as RecordRow[]
      return rows.map(({ body, customer }) => fromBody(body, customer))
    },
    attribute: (ids, customer) =>
      inTransaction(database, () => {
        requeuePassed.run(JSON.stringify(ids))
        return Number(name.run(customer, JSON.stringify(ids)).changes)
      }),
  }
}

/** Deletes settled records, window by window. */
export function preparePrune(database: DatabaseSync): (beforeMs: number) => Promise<number> {
  const windows = prepareRecordWindows(database)
  const deleteSettled = database.prepare(
    `DELETE FROM records
     WHERE seq BETWEEN :from AND :to AND at < :beforeMs AND customer IS NOT NULL
       AND seq <= (SELECT min(cursor) FROM sinks)
       AND NOT EXISTS (SELECT 1 FROM sinks JOIN items ON items.sink = sinks.name
         WHERE items.seq = records.seq AND items.state <> 'discarded')`,
  )
  const countHeld = database.prepare(
    `UPDATE sinks SET discarded = discarded + (
       SELECT count(*) FROM items WHERE sink = name AND held = 1 AND seq BETWEEN :from AND :to
         AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq))
     WHERE EXISTS (SELECT 1 FROM items WHERE sink = name AND held = 1)`,
  )
  const deleteDiscarded = database.prepare(
    `DELETE FROM items
     WHERE sink IN (SELECT name FROM sinks) AND seq BETWEEN :from AND :to AND state = 'discarded'
       AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq)`,
  )
  const deleteRefused = database.prepare(
    `DELETE FROM refused_events
     WHERE sink IN (SELECT name FROM sinks) AND seq BETWEEN :from AND :to
       AND NOT EXISTS (SELECT 1 FROM records WHERE records.seq = refused_events.seq)`,
  )
  const countPruned = database.prepare('UPDATE ledger SET pruned = pruned + ?')

  const pruneWindow = ({ from, to }: RecordWindow, beforeMs: number): number =>
    inTransaction(database, () => {
      const count = Number(deleteSettled.run({ from, to, beforeMs }).changes)
      if (count > 0) {
        countHeld.run({ from, to })
        deleteDiscarded.run({ from, to })
        deleteRefused.run({ from, to })
      }
      countPruned.run(count)
      return count
    })

  return async (beforeMs) => {
    let count = 0
    try {
      for await (const window of windows(0)) count += pruneWindow(window, beforeMs)
    } catch (error) {
      // Closed meanwhile: the next one goes on.
      if (database.isOpen) throw error
    }
    return count
  }
}

/** So few records that a look at all of them holds up nobody for more than some ms. */
const windowSize = 2000

export interface RecordWindow {
  readonly from: number
  readonly to: number
}

/**
 * Walks over the records that come after a mark, window by window, and lets the process get on with
 * other things between them.
 */
export function prepareRecordWindows(
  database: DatabaseSync,
): (after: number) => AsyncGenerator<RecordWindow> {
  const start = database.prepare('SELECT min(seq) AS seq FROM records WHERE seq > ?')

  return async function* windows(after) {
    for (let seen = after; ;) {
      const { seq: from } = start.get(seen) as { seq: number | null }
      if (from === null) return
      seen = from + windowSize - 1
      yield { from, to: seen }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
