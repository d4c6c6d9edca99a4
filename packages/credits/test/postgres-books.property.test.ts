import { startPostgres } from '@token-meter/testkit/internal'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type AllRows, assertBalanced } from '../src/books/check-books.ts'
import { MemoryRows } from '../src/books/memory-rows.ts'
import { toAccount, toEndedHold, toEntry, toGrant, toHold, toPool } from '../src/books/columns.ts'
import { runOnPostgres } from '../src/books/postgres-rows.ts'
import { creditMigrations } from '../src/books/postgres-schema.ts'
import type { BookRows } from '../src/books/rows.ts'
import {
  interrupted,
  Interrupted,
  type Operation,
  operations,
  payAll,
  recordProblems,
  run,
} from './random-operations.ts'

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

type Asked = (text: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>

function asking(own: pg.Client): Asked {
  return async (text, values = []) =>
    (await own.query<Record<string, unknown>>(text, [...values])).rows
}

let schemas = 0
async function newSchema(): Promise<string> {
  const schema = `books_${schemas++}`
  await client.query(`CREATE SCHEMA ${schema}`)
  for (const statement of creditMigrations(schema, 0)) await client.query(statement)
  return schema
}

async function everything(schema: string): Promise<AllRows> {
  const ask = asking(client)
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

/** One transaction, done or undone. */
async function transaction<Value>(
  own: pg.Client,
  schema: string,
  work: (rows: BookRows) => Value,
): Promise<Value> {
  await own.query('BEGIN')
  try {
    const value = await runOnPostgres(asking(own), schema, work)
    await own.query('COMMIT')
    return value
  } catch (error) {
    await own.query('ROLLBACK')
    throw error
  }
}

test('Postgres writes the same books as memory, and of what is undone nothing', async () => {
  const step = fc.record({ one: operations, interruptAt: fc.option(fc.nat(4)) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), async (all) => {
      const schema = await newSchema()
      const memory = new MemoryRows()
      let at = 0
      for (const { one, interruptAt } of all) {
        if (one.op === 'wait') at += one.ms
        if (interruptAt !== null) {
          const undone = transaction(client, schema, (rows) => {
            run(interrupted(rows, interruptAt), one, at)
            throw new Interrupted()
          })
          await expect(undone).rejects.toThrow(Interrupted)
          // Numbers of what was undone are used up, and memory has used none.
          for (const table of ['credit_accounts', 'credit_grants']) {
            await client.query(`SELECT setval(pg_get_serial_sequence('${schema}.${table}', 'id'),
                (SELECT coalesce(max(id), 0) + 1 FROM ${schema}.${table}), false)`)
          }
        }
        const answer = run(memory, one, at)
        memory.end()
        expect(await transaction(client, schema, (rows) => run(rows, one, at))).toEqual(answer)
      }
      const written = memory.all()
      assertBalanced(written)
      expect(await everything(schema)).toEqual(written)
      await client.query(`DROP SCHEMA ${schema} CASCADE`)
    }),
    { numRuns: 8 },
  )
}, 240_000)

test('books balance whatever several processes do at the same time', async () => {
  const clients = await Promise.all(
    [0, 1, 2].map(async () => {
      const own = new pg.Client({ connectionString: server.url })
      await own.connect()
      return own
    }),
  )
  onTestFinished(async () => void (await Promise.all(clients.map((own) => own.end()))))
  const some = fc.array(operations, { minLength: 20, maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(fc.tuple(some, some, some), async (all) => {
      const schema = await newSchema()
      let at = 0
      const done = await Promise.all(
        clients.map(async (own, index) => {
          const charged: string[] = []
          for (const one of all[index] ?? []) {
            if (one.op === 'wait') at += one.ms
            const answer = await again(() => transaction(own, schema, (rows) => run(rows, one, at)))
            if (one.op === 'charge' && answer === true) charged.push(`${one.id}`)
            if (one.op === 'give' && answer === 'granted') charged.push(`grant ${one.id}`)
          }
          return charged
        }),
      )
      await transaction(client, schema, (rows) => payAll(rows, at))
      const found = await everything(schema)
      assertBalanced(found)
      expect(recordProblems(found, true)).toEqual([])
      // Nobody was told of another's charge or grant that it was its own.
      const told = done.flat()
      expect(new Set(told).size).toBe(told.length)
      await client.query(`DROP SCHEMA ${schema} CASCADE`)
    }),
    { numRuns: 6 },
  )
}, 240_000)

test('entries in Postgres are neither changed nor deleted, whoever tries', async () => {
  const schema = await newSchema()
  const grant = { op: 'give', id: 1, amount: 9n, kind: 'paid', priority: 0, from: 0, until: null }
  await transaction(client, schema, (rows) => run(rows, grant as Operation, 1))
  const tries = [
    `UPDATE ${schema}.credit_entries SET amount = 8`,
    `DELETE FROM ${schema}.credit_entries`,
  ]
  for (const sql of tries) await expect(client.query(sql)).rejects.toThrow(/are never changed/)
  expect((await everything(schema)).entries).toMatchObject([{ amount: 9n }])
})

/** As an outbox does where another transaction got in the way. */
async function again<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      const { code } = error as { code?: string }
      if (tries >= 5 || (code !== '23505' && code !== '40P01')) throw error
    }
  }
}
