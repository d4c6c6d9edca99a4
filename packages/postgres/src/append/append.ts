import { type ManualUsage, environmentLivemode, toUsageRecord } from '@token-meter/core/adapter'
import { duplicateIds, fromBody, isSameUsage, toBody } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'
import type { ClientBase } from 'pg'
import type { Database } from '../database.ts'
import { postgresFailure } from '../failure.ts'
import { plainText } from '../sql-text.ts'
import type { TakenRow } from './waiting-rows.ts'

/** A record as its columns. */
export interface RecordRow {
  readonly id: string
  readonly customer: string | null
  readonly at: number
  readonly body: string
  readonly isTest: boolean
  /** The holds that it settles, with the others of its append. */
  readonly holdIds: readonly string[]
  /** What was open is gone with it. */
  readonly ends: readonly string[]
}

/** What a row is written with. */
export type RowOptions = Partial<Pick<RecordRow, 'holdIds' | 'ends'>>

export function toRow(record: UsageRecord, options: RowOptions = {}): RecordRow {
  return withBody(record, toBody(record), options)
}

const none: readonly string[] = []

/** Between a body and the holds of its record: JSON has none. */
const holdMark = '\t'

/** A row as a line of text. */
export function lineOf({ body, holdIds }: RecordRow): string {
  return holdIds.length === 0 ? body : body + holdMark + JSON.stringify(holdIds)
}

/** The row whose line this is; nothing for what is no record. */
export function rowOf(line: string): RecordRow | undefined {
  try {
    const [body = '', holds] = line.split(holdMark, 2)
    const holdIds = holds === undefined ? none : (JSON.parse(holds) as readonly string[])
    const record = fromBody(body, null)
    if (!('id' in record) || !('tokens' in record)) return undefined
    // It may be open still.
    return withBody(record, body, { holdIds, ends: [record.id] })
  } catch {
    return undefined
  }
}

function withBody(
  { id, customer, at, livemode }: UsageRecord,
  body: string,
  { holdIds = none, ends = none }: RowOptions,
): RecordRow {
  return {
    id: asColumn(id),
    customer: customer === null ? null : asColumn(customer),
    at,
    body,
    isTest: livemode === false,
    holdIds,
    ends: ends.map(asColumn),
  }
}

/** Records come from callers without types too: the database refuses what is not text. */
function asColumn(text: string): string {
  return typeof text === 'string' ? plainText(text) : text
}

/**
 * Keeps records, counts the new ones, and returns the ids that were taken. Parameters: see
 * `appendValues`.
 *
 * - The transaction must have its id before it draws a number, because a claim reasons that whoever
 *   drew a smaller number than one it sees has a smaller id than its own (fresh-batch.ts).
 *   Hence `begun`, which every row has to pass.
 * - An id that is there already is looked for first, and one by one: a conflict would use up a
 *   number, and a join could read the whole table.
 */
export function appendStatement(schema: string): string {
  return `WITH begun AS MATERIALIZED (SELECT pg_current_xact_id() AS xid),
    given AS MATERIALIZED (
      SELECT id, customer, at, body, is_test, place
      FROM begun, unnest($1::text[], $2::text[], $3::float8[], $4::text[], $6::boolean[])
        WITH ORDINALITY AS given (id, customer, at, body, is_test, place)
      WHERE xid IS NOT NULL
        AND (SELECT there.id FROM ${schema}.records AS there WHERE there.id = given.id) IS NULL
    ), ended AS (
      DELETE FROM ${schema}.open_usage WHERE id = ANY ($7::text[])
    ), added AS (
      INSERT INTO ${schema}.records (id, customer, at, body, is_test)
      SELECT id, customer, at, body, is_test FROM given ORDER BY place
      ON CONFLICT (id) DO NOTHING RETURNING id
    ), counted AS (
      INSERT INTO ${schema}.tallies AS tally (origin, recorded)
      SELECT $5::uuid, count(*) FROM added HAVING count(*) > 0
      ON CONFLICT (origin) DO UPDATE SET recorded = tally.recorded + excluded.recorded
    )
    SELECT id FROM unnest($1::text[]) AS given (id) EXCEPT SELECT id FROM added`
}

/**
 * Of rows with one id the first stays.
 * @param origin whose tally counts them: nobody else may be writing to it for long.
 */
export function appendValues(given: readonly RecordRow[], origin: string): readonly unknown[] {
  const rows = [...firstById(given).values()]
  return [
    rows.map(({ id }) => id),
    rows.map(({ customer }) => customer),
    rows.map(({ at }) => at),
    rows.map(({ body }) => body),
    origin,
    rows.map(({ isTest }) => isTest),
    given.flatMap(({ ends }) => ends),
  ]
}

/** What a look at the ledger answers. */
export type KeptRow = Pick<RecordRow, 'id' | 'customer' | 'body'>

function firstById(given: readonly RecordRow[]): ReadonlyMap<string, RecordRow> {
  const rows = new Map<string, RecordRow>()
  for (const row of given) if (!rows.has(row.id)) rows.set(row.id, row)
  return rows
}

/**
 * The rows that an append left out, with what has their ids: only where one was taken is anything
 * looked up. What was pruned meanwhile is not known any more.
 * @param takenIds what the statement answered.
 */
export async function takenRows(
  schema: string,
  given: readonly RecordRow[],
  takenIds: readonly { readonly id: string }[],
  ask: (text: string, values: readonly unknown[]) => Promise<readonly KeptRow[]>,
): Promise<readonly TakenRow<RecordRow>[]> {
  const firsts = firstById(given)
  if (takenIds.length === 0 && firsts.size === given.length) return []
  const taken = new Set(takenIds.map(({ id }) => id))
  const there =
    taken.size === 0
      ? []
      : await ask(`SELECT id, customer, body FROM ${schema}.records WHERE id = ANY ($1::text[])`, [
          [...taken],
        ])
  const kept = new Map(there.map((row) => [row.id, row]))
  return given.flatMap((row) => {
    const first = taken.has(row.id) ? kept.get(row.id) : firsts.get(row.id)
    return first === undefined || first === row
      ? []
      : { row, kept: fromBody(first.body, first.customer) }
  })
}

/** Records usage in the caller's own transaction. */
export type RecordIn = (
  client: ClientBase,
  usage: ManualUsage | readonly ManualUsage[],
) => Promise<void>

/** No meter is asked here; what the caller says of one record stands. */
function inMode(record: UsageRecord, livemode: boolean | undefined): UsageRecord {
  return livemode === undefined ? record : { livemode, ...record }
}

export function prepareRecordIn(database: Database): RecordIn {
  const statement = appendStatement(database.schema)
  return async (client, usage) => {
    const given: readonly ManualUsage[] = Array.isArray(usage) ? usage : [usage]
    const livemode = environmentLivemode()
    const records = given.map(toUsageRecord).map((record) => inMode(record, livemode))
    if (records.length === 0) return
    const rows = records.map((record) => toRow(record))
    let taken: readonly TakenRow<RecordRow>[]
    try {
      await database.preparedFor(client)
      // A tally of its own: the process's would be locked until the caller commits.
      const values = appendValues(rows, crypto.randomUUID())
      const { rows: ids } = await client.query<{ id: string }>(statement, [...values])
      taken = await takenRows(database.schema, rows, ids, async (text, asked) => {
        return (await client.query<KeptRow>(text, [...asked])).rows
      })
    } catch (cause) {
      throw postgresFailure(cause, {
        action: 'keep usage in',
        description: database.description,
        records,
      })
    }
    const others = taken.flatMap(({ row, kept }) => {
      const index = rows.indexOf(row)
      const record = records[index]
      if (record === undefined) return []
      const isSame = isSameUsage({ record, kept }, given[index]?.at !== undefined)
      return isSame ? [] : { record, kept }
    })
    const error = duplicateIds(others, () => false)
    if (error !== undefined) throw error
  }
}
