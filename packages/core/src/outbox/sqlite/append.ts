import type { DatabaseSync } from 'node:sqlite'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { inTransaction } from './in-transaction.ts'
import { toBody } from './record-body.ts'

export function prepareAppend(database: DatabaseSync): (records: readonly UsageRecord[]) => void {
  // Not INSERT OR IGNORE, which uses up a number for every record it leaves out. And `?` or `:name`,
  // here and elsewhere, because Node 22.13 cannot bind `?1`.
  const insert = database.prepare(
    `INSERT INTO records (id, customer, at, body)
     SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?)`,
  )
  const add = (record: UsageRecord): void => {
    insert.run(record.id, record.customer, record.at, toBody(record), record.id)
  }

  return (records) => {
    const [first] = records
    if (first === undefined) return
    // One statement is a transaction already.
    if (records.length === 1) add(first)
    else inTransaction(database, () => records.forEach(add))
  }
}
