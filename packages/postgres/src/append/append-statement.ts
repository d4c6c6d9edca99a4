import { fromBody, toBody, type UsageRecord } from '@token-meter/core/adapter'
import { plainText } from '../sql-text.ts'

/** A record as its columns. */
export interface RecordRow {
  readonly id: string
  readonly customer: string | null
  readonly at: number
  readonly body: string
}

export function toRow(record: UsageRecord): RecordRow {
  return withBody(record, toBody(record))
}

/** The row whose body this is; nothing for what is no record. */
export function rowOf(body: string): RecordRow | undefined {
  try {
    const record = fromBody(body, null)
    return 'id' in record && 'tokens' in record ? withBody(record, body) : undefined
  } catch {
    return undefined
  }
}

function withBody({ id, customer, at }: UsageRecord, body: string): RecordRow {
  return { id: asColumn(id), customer: customer === null ? null : asColumn(customer), at, body }
}

/** Records come from callers without types too: the database refuses what is not text. */
function asColumn(text: string): string {
  return typeof text === 'string' ? plainText(text) : text
}

/**
 * Keeps records and counts the new ones. Parameters: see `appendValues`.
 *
 * - The transaction must have its id before it draws a number, because a claim reasons that whoever
 *   drew a smaller number than one it sees has a smaller id than its own (claim/fresh-batch.ts).
 *   Hence `begun`, which every row has to pass.
 * - An id that is there already is looked for first, and one by one: a conflict would use up a
 *   number, and a join could read the whole table.
 */
export function appendStatement(schema: string): string {
  return `WITH begun AS MATERIALIZED (SELECT pg_current_xact_id() AS xid),
    given AS MATERIALIZED (
      SELECT id, customer, at, body, place
      FROM begun, unnest($1::text[], $2::text[], $3::float8[], $4::text[]) WITH ORDINALITY
        AS given (id, customer, at, body, place)
      WHERE xid IS NOT NULL
        AND (SELECT there.id FROM ${schema}.records AS there WHERE there.id = given.id) IS NULL
    ), added AS (
      INSERT INTO ${schema}.records (id, customer, at, body)
      SELECT id, customer, at, body FROM given ORDER BY place
      ON CONFLICT (id) DO NOTHING RETURNING 1
    )
    INSERT INTO ${schema}.tallies AS tally (origin, recorded)
    SELECT $5::uuid, count(*) FROM added HAVING count(*) > 0
    ON CONFLICT (origin) DO UPDATE SET recorded = tally.recorded + excluded.recorded`
}

/**
 * Of rows with one id the first stays.
 * @param origin whose tally counts them: nobody else may be writing to it for long.
 */
export function appendValues(given: readonly RecordRow[], origin: string): readonly unknown[] {
  const ids = new Set<string>()
  const rows = given.filter(({ id }) => !ids.has(id) && ids.add(id))
  return [
    rows.map(({ id }) => id),
    rows.map(({ customer }) => customer),
    rows.map(({ at }) => at),
    rows.map(({ body }) => body),
    origin,
  ]
}
