import type { ManualUsage } from '@token-meter/core/adapter'
import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox } from './postgres-outbox.ts'

const usage: ManualUsage = {
  customer: 'cus_1',
  provider: 'openai',
  model: 'gpt-5.4',
  tokens: { input: 1 },
}

describe.skipIf(databaseUrl === '')('tables that a dump has brought from another server', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  test('wait for no transaction of that server, and are pruned', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    const open = await pool.connect()
    await open.query('BEGIN')
    await outbox.recordIn(open, usage)
    await outbox.append([exampleRecord({ at: 1 })])
    const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
    expect(batch && (await outbox.settle(batch, [{ status: 'accepted' }]))).toBe(true)
    await open.query('ROLLBACK')
    open.release()
    const holes = async () => (await pool.query(`SELECT FROM ${schema}.holes`)).rowCount
    expect(await holes()).toBe(1)
    // That server has seen more transactions than this one will for years.
    await pool.query(`UPDATE ${schema}.holes SET horizon = '99999999999'`)
    expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toBeUndefined()
    expect(await holes()).toBe(0)
    expect(await outbox.prune(1000)).toBe(1)
  })
})
