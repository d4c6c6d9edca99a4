import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../../test/database-url.ts'
import { postgresOutbox } from '../postgres-outbox.ts'
import { migrate } from './migrate.ts'

describe.skipIf(databaseUrl === '')('the tables', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl, max: 20 })
  })
  afterAll(() => pool.end())

  test('are made once, by whoever comes first of many', async () => {
    for (let round = 0; round < 3; round++) {
      const schema = newSchema()
      const outboxes = Array.from({ length: 6 }, () =>
        postgresOutbox({ pool }, { spoolFolder: noFolder, schema }),
      )
      await Promise.all(outboxes.map((outbox) => outbox.append([exampleRecord()])))
      expect(await outboxes[0]?.recorded()).toBe(6)
    }
  })

  test('of a newer version are left alone, and the error says what to update', async () => {
    const schema = newSchema()
    await migrate(pool, { schema })
    await pool.query(`UPDATE ${schema}.ledger SET version = 99`)
    const newer = {
      code: 'outbox',
      message: expect.stringMatching(/newer.*99.*Update @token-meter/),
    }
    await expect(migrate(pool, { schema })).rejects.toMatchObject(newer)
    const records = [exampleRecord()]
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    await expect(outbox.append(records)).rejects.toMatchObject({ ...newer, records })
    await expect(Promise.resolve(outbox.stats('alpha'))).rejects.toMatchObject(newer)
    const { rows } = await pool.query(`SELECT version FROM ${schema}.ledger`)
    expect(rows).toEqual([{ version: 99 }])
  })

  test('may be made by another role than the one that uses them', async () => {
    const schema = newSchema()
    const role = `${schema}_app`
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'app'`)
    const url = new URL(databaseUrl)
    url.username = role
    url.password = 'app'
    const open = (options = {}) =>
      postgresOutbox({ connectionString: url.href }, { spoolFolder: noFolder, schema, ...options })

    const forbidden = open()
    await expect(forbidden.append([exampleRecord()])).rejects.toMatchObject({
      code: 'outbox',
      message: expect.stringMatching(/may not.*migrate\(pool\)/),
    })
    const unprepared = open({ migrate: false })
    await expect(Promise.resolve(unprepared.recorded())).rejects.toMatchObject({
      message: expect.stringMatching(/not there.*migrate\(pool\)/),
    })

    await migrate(pool, { schema })
    await pool.query(`GRANT USAGE ON SCHEMA ${schema} TO ${role}`)
    await pool.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO ${role}`,
    )
    const outbox = open({ migrate: false })
    await outbox.append([exampleRecord()])
    const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
    expect(batch && (await outbox.settle(batch, [{ status: 'accepted' }]))).toBe(true)
    expect(await outbox.registerSink('beta', { sinceMs: 0 })).toBe(true)
    expect(await outbox.removeSink('beta')).toBe(true)
    expect(await outbox.prune(Date.now() * 2)).toBe(1)
    // What migrates finds that nothing is to be done, and needs no right to.
    expect(await open().recorded()).toBe(1)
    for (const one of [forbidden, unprepared, outbox]) await one.close()
  })

  test('are found in a schema that somebody else has made, by a role that may not make one', async () => {
    const schema = newSchema()
    const role = `${schema}_owner`
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'owner'`)
    await pool.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${role}`)
    const url = new URL(databaseUrl)
    url.username = role
    url.password = 'owner'
    const outbox = postgresOutbox({ connectionString: url.href }, { spoolFolder: noFolder, schema })
    await outbox.append([exampleRecord()])
    expect(await outbox.recorded()).toBe(1)
    await outbox.close()
  })
})
