import type { DatabaseSync } from 'node:sqlite'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { toBody } from '../record-body.ts'
import { inTransaction } from './in-transaction.ts'

/** A record as it is written. */
export interface RecordRow {
  readonly id: string
  readonly customer: string | null
  readonly at: number
  readonly body: string
}

export function toRow(record: UsageRecord): RecordRow {
  return { id: record.id, customer: record.customer, at: record.at, body: toBody(record) }
}

/** Writes rows together or not at all, and leaves out those that are there. */
export function prepareAppend(database: DatabaseSync): (rows: readonly RecordRow[]) => void {
  // Not INSERT OR IGNORE, which uses up a number for every record it leaves out. And `?` or `:name`,
  // here and elsewhere, because Node 22.13 cannot bind `?1`.
  const insert = database.prepare(
    `INSERT INTO records (id, customer, at, body)
     SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?)`,
  )
  const add = ({ id, customer, at, body }: RecordRow): void => {
    insert.run(id, customer, at, body, id)
  }

  return (rows) => {
    const [first] = rows
    if (first === undefined) return
    // One statement is a transaction already.
    if (rows.length === 1) add(first)
    else inTransaction(database, () => rows.forEach(add))
  }
}
