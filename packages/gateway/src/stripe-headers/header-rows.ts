/** Which records came with Stripe's headers: rows beside them, in memory, SQLite and Postgres. */
import type { CompanionStore, Outbox } from '@token-meter/core/outbox'
import {
  openTables,
  type Row,
  type Statement,
  type Tables,
  type TableSet,
} from '../store/tables.ts'
import { type HeaderRow, rowsOf, type UnsentReason } from './header-note.ts'

export interface HeaderRows {
  /** Those of these records that there are, by the id of the record. */
  of(records: readonly string[]): Promise<ReadonlyMap<string, HeaderRow>>
  /** In the order of their ids, behind one. */
  page(after: string, limit: number): Promise<readonly HeaderRow[]>
  /** Takes the keys away. That the records are billed nowhere else stays known. */
  wipe(records: readonly string[]): Promise<void>
  /** The records are gone. */
  remove(records: readonly string[]): Promise<void>
}

/** @throws ConfigError for an outbox that nothing can be kept beside. */
export function openHeaderRows(outbox: Outbox): HeaderRows {
  const tables = openTables(outbox, headerTables)
  return tables === undefined ? inMemory(outbox.store as CompanionStore<void>) : inTables(tables)
}

const columns = ['record', 'request', 'customer', 'sealed', 'why', 'at'] as const

const insert = `INSERT INTO {gateway_stripe_headers} (${columns.join(', ')})
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (record) DO NOTHING`

const headerTables: TableSet = {
  name: 'gateway-stripe-headers',
  migrations: [
    [
      `CREATE TABLE {gateway_stripe_headers} (
        record text PRIMARY KEY,
        request text NOT NULL,
        customer text NOT NULL,
        sealed text,
        why text,
        at double precision NOT NULL
      )`,
    ],
  ],
  appended: (appends) =>
    rowsOf(appends).map((row): Statement => [insert, columns.map((name) => row[name])]),
}

/** Parameters of one question, of which SQLite takes 32766 and Postgres 65535. */
const mostIds = 500

function inTables(tables: Tables): HeaderRows {
  const write = async (sql: string, records: readonly string[]): Promise<void> => {
    const sorted = [...new Set(records)].toSorted()
    if (sorted.length > 0) await tables.write(...sorted.map((id) => [sql, [id]] as const))
  }
  return {
    async of(records) {
      const found = new Map<string, HeaderRow>()
      for (let from = 0; from < records.length; from += mostIds) {
        const ids = records.slice(from, from + mostIds)
        const places = ids.map((_, index) => `$${index + 1}`).join(', ')
        const sql = `SELECT * FROM {gateway_stripe_headers} WHERE record IN (${places})`
        for (const row of await tables.read(sql, ids)) found.set(String(row['record']), toRow(row))
      }
      return found
    },
    async page(after, limit) {
      const sql = `SELECT * FROM {gateway_stripe_headers} WHERE record > $1 ORDER BY record LIMIT $2`
      return (await tables.read(sql, [after, limit])).map(toRow)
    },
    wipe: (records) =>
      write(
        `UPDATE {gateway_stripe_headers} SET sealed = NULL, why = 'gone' WHERE record = $1 AND sealed IS NOT NULL`,
        records,
      ),
    remove: (records) => write('DELETE FROM {gateway_stripe_headers} WHERE record = $1', records),
  }
}

function toRow(row: Row): HeaderRow {
  return {
    record: String(row['record']),
    request: String(row['request']),
    customer: String(row['customer']),
    sealed: row['sealed'] as string | null,
    why: row['why'] as UnsentReason | null,
    at: Number(row['at']),
  }
}

function inMemory(store: CompanionStore<void>): HeaderRows {
  const rows = new Map<string, HeaderRow>()
  store.attach(() => ({
    appended(appends) {
      for (const row of rowsOf(appends)) if (!rows.has(row.record)) rows.set(row.record, row)
    },
  }))
  return {
    async of(records) {
      const found = new Map<string, HeaderRow>()
      for (const id of records) {
        const row = rows.get(id)
        if (row !== undefined) found.set(id, row)
      }
      return found
    },
    page: async (after, limit) =>
      [...rows.values()]
        .filter(({ record }) => record > after)
        .toSorted((a, b) => (a.record < b.record ? -1 : 1))
        .slice(0, limit),
    async wipe(records) {
      for (const id of records) {
        const row = rows.get(id)
        if (row?.sealed !== undefined && row.sealed !== null) {
          rows.set(id, { ...row, sealed: null, why: 'gone' })
        }
      }
    },
    async remove(records) {
      for (const id of records) rows.delete(id)
    },
  }
}
