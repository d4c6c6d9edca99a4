import { startPostgres } from '@token-meter/testkit/internal'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertBalanced } from '../src/books/check-books.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { toAccount, toEndedHold, toEntry, toGrant, toHold, toPool } from '../src/books/columns.ts'
import { runOnPostgres } from '../src/books/postgres-rows.ts'
import { creditMigrations } from '../src/books/postgres-schema.ts'
import { operations, run } from './random-operations.ts'

let server: Awaited<ReturnType<typeof startPostgres>>
let client: pg.Client

beforeAll(async () => {
  server = await startPostgres()
  client = new pg.Client({ connectionString: server.url })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await server.stop()
})

test('Postgres writes the same books as memory', async () => {
  let number = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(operations, { minLength: 20, maxLength: 60, size: 'max' }),
      async (all) => {
        const schema = `books_${number++}`
        await client.query(`CREATE SCHEMA ${schema}`)
        for (const statement of creditMigrations(schema, 0)) await client.query(statement)
        const ask = async (text: string, values: readonly unknown[] = []) =>
          (await client.query<Record<string, unknown>>(text, [...values])).rows
        const everything = async () => {
          const last = `(SELECT max(id) FROM ${schema}.credit_entries AS e WHERE e.account = one.id) AS last_entry`
          const of = (table: string, order = 'id', more = 'NULL') =>
            ask(`SELECT *, ${more} FROM ${schema}.${table} AS one ORDER BY ${order}`)
          return {
            accounts: (await of('credit_accounts', 'id', last)).map(toAccount),
            pools: (await of('credit_pools')).map(toPool),
            grants: (await of('credit_grants')).map(toGrant),
            holds: (await of('credit_holds', 'created_at, id')).map(toHold),
            endedHolds: (await of('credit_ended_holds', 'id COLLATE "C"')).map(toEndedHold),
            entries: (await of('credit_entries', 'account, id')).map(toEntry),
          }
        }
        const memory = new MemoryRows()
        let at = 0
        for (const one of all) {
          if (one.op === 'wait') at += one.ms
          const answer = run(memory, one, at)
          await client.query('BEGIN')
          const asked = await runOnPostgres(ask, schema, (rows) => run(rows, one, at))
          await client.query('COMMIT')
          expect(asked).toEqual(answer)
        }
        const written = memory.all()
        assertBalanced(written)
        expect(await everything()).toEqual(written)
        await client.query(`DROP SCHEMA ${schema} CASCADE`)
      },
    ),
    { numRuns: 25 },
  )
}, 120_000)
