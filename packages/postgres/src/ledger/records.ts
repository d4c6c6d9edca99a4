import { fromBody, type Outbox } from '@token-meter/core/outbox'
import type { Database } from '../database.ts'
import { doubtOf } from '../identity/doubt-of.ts'
import { plainText, wholeNumber } from '../sql-text.ts'

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

/** Looking records up, and naming the customer of those that came without one. */
export function prepareRecords(
  database: Database,
): Pick<Outbox, 'find' | 'unattributed' | 'attribute'> {
  const { schema, locks } = database
  // Where a sink's cursor has passed the record, it has to be told to go back for it; one that is
  // in a hole is met there.
  const requeuePassed = `INSERT INTO ${schema}.items (sink, seq, state, uncertain_since)
    SELECT name, seq, 'requeued', ${doubtOf(schema, 'seq')} FROM ${schema}.records JOIN ${schema}.sinks
      ON seq > start AND seq <= cursor
    WHERE customer IS NULL AND id = ANY ($1::text[])
      AND NOT EXISTS (SELECT FROM ${schema}.holes WHERE sink = name AND holes.seq = records.seq)`
  const name = `UPDATE ${schema}.records SET customer = $2
    WHERE customer IS NULL AND id = ANY ($1::text[]) RETURNING 1`

  return {
    async find(id) {
      const rows = await database.query<RecordRow>(
        `SELECT body, customer FROM ${schema}.records WHERE id = $1`,
        [plainText(id)],
      )
      return rows.map(({ body, customer }) => fromBody(body, customer))[0]
    },
    async unattributed(limit = Infinity) {
      const rows = await database.query<RecordRow>(
        `SELECT body, customer FROM ${schema}.records WHERE customer IS NULL
         ORDER BY seq LIMIT $1::bigint`,
        [wholeNumber(limit)],
      )
      return rows.map(({ body, customer }) => fromBody(body, customer))
    },
    attribute: (ids, customer) =>
      database.transaction(async (ask) => {
        await ask(locks.everySink())
        const names = ids.map(plainText)
        await ask(requeuePassed, [names])
        return (await ask(name, [names, plainText(customer)])).length
      }),
  }
}
