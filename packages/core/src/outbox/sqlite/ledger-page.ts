import type { DatabaseSync } from 'node:sqlite'
import type { LedgerEntry, LedgerPage, LedgerQuery, RecordState } from '../outbox.ts'
import { fromBody } from '../record-body.ts'
import { refusalOf } from '../../errors/refusal.ts'
import { prepareRecordWindows } from './record-windows.ts'

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
         CASE
           WHEN customer IS NULL THEN 'unattributed'
           WHEN items.held = 1 THEN 'held'
           WHEN items.state IN ('dead', 'discarded') THEN items.state
           WHEN items.state IS NULL AND records.seq <= cursor THEN 'delivered'
           ELSE 'pending'
         END AS state
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
