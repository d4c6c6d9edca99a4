import {
  fromBody,
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
  type RecordState,
  refusalOf,
} from '@token-meter/core/outbox'
import type { Database } from '../database.ts'
import { refusedEventIds, refusedEvents } from '../refused-events.ts'
import { plainText, wholeNumber } from '../sql-text.ts'

interface LedgerRow {
  readonly seq: unknown
  readonly body: string
  readonly customer: string | null
  readonly state: RecordState
  readonly reason: string | null
  readonly code: string | null
  readonly since: unknown
  readonly delivered: string
  readonly refused: string | null
}

/** Reads the ledger in the order of its keys: an index for any other would cost every append. */
export function prepareLedgerPage(
  database: Database,
): (sink: string, query?: LedgerQuery) => Promise<LedgerPage> {
  const { schema } = database
  const statement = `SELECT * FROM (
      SELECT records.seq, body, customer, reason, code, since,
        coalesce(array_to_json(delivered_event_ids)::text, '[]') AS delivered,
        ${refusedEvents(schema, '$1', 'records.seq')} AS refused,
        CASE
          WHEN customer IS NULL THEN 'unattributed'
          WHEN items.held = 1 THEN 'held'
          WHEN items.state IN ('dead', 'discarded') THEN items.state
          WHEN items.state IS NULL AND records.seq <= cursor AND NOT EXISTS (
            SELECT FROM ${schema}.holes WHERE holes.sink = $1 AND holes.seq = records.seq)
          THEN 'delivered'
          ELSE 'pending'
        END AS state
      FROM ${schema}.records
        LEFT JOIN ${schema}.sinks ON sinks.name = $1
        LEFT JOIN ${schema}.items ON items.sink = $1 AND items.seq = records.seq
      WHERE records.seq > greatest($2::bigint, start)
        AND ($3::text IS NULL OR customer = $3)
        AND ($4::float8 IS NULL OR at >= $4) AND ($5::float8 IS NULL OR at < $5)
    ) AS entry
    WHERE $6::text[] IS NULL OR state = ANY ($6::text[])
    ORDER BY seq LIMIT $7::bigint`

  return async (sink, { customer, fromMs, untilMs, states, after = 0, limit = 1000 } = {}) => {
    const wanted = wholeNumber(limit, 1)
    const rows = await database.query<LedgerRow>(statement, [
      plainText(sink),
      after,
      customer === undefined ? null : plainText(customer),
      fromMs ?? null,
      untilMs ?? null,
      states ?? null,
      // One more than is wanted tells whether there is a next page.
      wanted + 1,
    ])
    const entries = rows.slice(0, wanted).map(toEntry)
    const last = rows[wanted - 1]
    return rows.length > wanted ? { entries, next: Number(last?.seq) } : { entries }
  }
}

function toEntry(row: LedgerRow): LedgerEntry {
  return {
    record: fromBody(row.body, row.customer),
    state: row.state,
    deliveredEventIds: JSON.parse(row.delivered) as string[],
    ...(row.reason !== null && { reason: row.reason }),
    ...refusalOf(row),
    ...refusedEventIds(row.refused),
  }
}
