import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox } from './postgres-outbox.ts'

describe.skipIf(databaseUrl === '')('a correction and others at once', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  const waiting = async (statement: string): Promise<number> => {
    const { rowCount } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`,
      [`%${statement}%`],
    )
    return rowCount ?? 0
  }

  test.each([
    ['discard', { delivered: 0, discarded: 1, pending: 0 }],
    ['requeue', { delivered: 0, discarded: 0, pending: 1 }],
  ] as const)('what a %s has just moved is moved once, and counted once', async (other, counts) => {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    const record = exampleRecord()
    await outbox.append([record])
    const batch = await outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
    expect(batch && (await outbox.settle(batch, [{ status: 'rejected', reason: 'no' }]))).toBe(true)

    const first = await pool.connect()
    await first.query('BEGIN')
    // The other one has moved it, and is not committed yet.
    const state = other === 'discard' ? 'discarded' : 'requeued'
    await first.query(`UPDATE ${schema}.items SET state = '${state}'`)
    if (other === 'discard') await first.query(`UPDATE ${schema}.sinks SET discarded = 1`)
    const correcting = outbox.correct('alpha', [record.id], {
      state: 'delivered',
      reason: 'it did arrive',
    })
    await expect.poll(() => waiting(`${schema}".items`)).toBe(1)
    await first.query('COMMIT')
    first.release()
    const moved = await correcting
    // Discarded ones can be corrected too; pending ones stay.
    const after = other === 'discard' ? { delivered: 1, discarded: 0, pending: 0 } : counts
    expect(moved).toBe(other === 'discard' ? 1 : 0)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 1, dead: 0, ...after })
  })
})
