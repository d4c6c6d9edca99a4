import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { Database } from './database.ts'
import { postgresOutbox } from './postgres-outbox.ts'
import { migrate } from './schema/migrate.ts'

describe.skipIf(databaseUrl === '')('the connections of an outbox', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  test('who gives up waiting leaves no more than one connection behind that waits on', async () => {
    const schema = newSchema()
    await migrate(pool, { schema })
    const locking = await pool.connect()
    await locking.query('BEGIN')
    await locking.query(`LOCK TABLE ${schema}.records IN ACCESS EXCLUSIVE MODE`)
    // A pool that was given has no limit of its own.
    const database = new Database({ pool }, { schema }, 250)
    const statement = `SELECT count(*) FROM ${schema}.records WHERE seq > $1`
    for (let time = 0; time < 5; time++) {
      await expect(database.query(statement, [0])).rejects.toThrow(/timeout/)
    }
    const waiting = async () =>
      (
        await pool.query(
          `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`,
          [`%${schema}.records%`],
        )
      ).rowCount
    await expect.poll(waiting).toBe(1)
    await locking.query('ROLLBACK')
    locking.release()
    expect(await database.query(statement, [0])).toEqual([{ count: '0' }])
    await expect.poll(waiting).toBe(0)
  })

  test('where writing is off, nothing is claimed that could not be settled', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    await outbox.append([exampleRecord()])
    const readOnly = postgresOutbox(
      { connectionString: `${databaseUrl}?options=-c%20default_transaction_read_only%3Don` },
      { spoolFolder: noFolder, schema },
    )
    const refused = Promise.resolve(readOnly.claim('alpha', { limit: 1, leaseMs: 1000 }))
    await expect(refused).rejects.toMatchObject({
      busy: true,
      message: expect.stringMatching(/read only/),
    })
    const storing = readOnly.append([exampleRecord()]).catch((error: unknown) => error)
    await readOnly.close()
    expect(await storing).toMatchObject({ code: 'outbox', records: [expect.anything()] })
    const batch = await outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
    expect(batch?.entries).toMatchObject([{ attempts: 0 }])
  })

  test('limits that are no whole number', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    await outbox.append([exampleRecord(), exampleRecord(), exampleRecord({ customer: null })])
    expect((await outbox.ledger('alpha', { limit: Infinity })).entries).toHaveLength(3)
    expect((await outbox.ledger('alpha', { limit: 1.5 })).entries).toHaveLength(1)
    expect(await outbox.unattributed(Infinity)).toHaveLength(1)
    expect((await outbox.claim('alpha', { limit: Infinity, leaseMs: 1000 }))?.entries).toHaveLength(
      2,
    )
    expect(await outbox.deadLetters('alpha', Infinity)).toEqual([])
  })
})
