import type { DatabaseSync } from 'node:sqlite'
import type { Outbox } from '../outbox.ts'
import { doubtOf } from './distrusted.ts'
import { inTransaction } from './in-transaction.ts'
import { fromBody } from '../record-body.ts'

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

/** Looking records up, and naming the customer of those that came without one. */
export function prepareLedger(
  database: DatabaseSync,
): Pick<Outbox, 'find' | 'unattributed' | 'attribute'> {
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
