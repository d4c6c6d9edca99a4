import type { DatabaseSync } from 'node:sqlite'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { toBody } from '../record-body.ts'
import { inTransaction } from './in-transaction.ts'
import { isConstraintFailure } from './sqlite-failure.ts'

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

/** Rows that one statement writes where there are so many: more make it no faster. */
const rowsAtOnce = 16

/** Writes rows together or not at all, and leaves out those that are there. */
export function prepareAppend(database: DatabaseSync): (rows: readonly RecordRow[]) => void {
  // A record that is there is rare, so it may fail: that leaves `seq` without a gap, and undoes this
  // statement only. INSERT OR IGNORE would use up a number for every record it leaves out.
  const insert = (count: number) =>
    database.prepare(
      `INSERT INTO records (id, customer, at, body) VALUES ${Array(count).fill('(?, ?, ?, ?)').join()}`,
    )
  const insertOne = insert(1)
  const insertSome = insert(rowsAtOnce)
  // `?` or `:name`, here and elsewhere, because Node 22.13 cannot bind `?1`.
  const insertMissing = database.prepare(
    `INSERT INTO records (id, customer, at, body)
     SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?)`,
  )

  const addOne = ({ id, customer, at, body }: RecordRow): void => {
    try {
      insertOne.run(id, customer, at, body)
    } catch (error) {
      if (!isConstraintFailure(error)) throw error
      insertMissing.run(id, customer, at, body, id)
    }
  }
  const addSome = (rows: readonly RecordRow[]): void => {
    const values: (string | number | null)[] = []
    for (const { id, customer, at, body } of rows) values.push(id, customer, at, body)
    try {
      insertSome.run(...values)
    } catch (error) {
      if (!isConstraintFailure(error)) throw error
      rows.forEach(addOne)
    }
  }
  const addAll = (rows: readonly RecordRow[]): void => {
    let from = 0
    for (; from + rowsAtOnce <= rows.length; from += rowsAtOnce) {
      addSome(rows.slice(from, from + rowsAtOnce))
    }
    rows.slice(from).forEach(addOne)
  }

  return (rows) => {
    const [first] = rows
    if (first === undefined) return
    // One statement is a transaction already.
    if (rows.length === 1) addOne(first)
    else inTransaction(database, () => addAll(rows))
  }
}
