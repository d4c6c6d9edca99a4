import type { Batch } from '@token-meter/core/outbox'
import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { postgresOutbox, type PostgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl, newSchema, noFolder } from './database-url.ts'
import { startStallingProxy } from './stalling-proxy.ts'

/** More than the buffers of a connection hold. */
const large = { text: 'x'.repeat(900_000) }
const minute = 60_000

describe.skipIf(databaseUrl === '')('a process that stands still in the middle of a word', () => {
  let pool: pg.Pool
  let schema: string
  let outbox: PostgresOutbox
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  beforeEach(() => {
    schema = newSchema()
    outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
  })
  afterAll(() => pool.end())

  /** The same outbox in a process that is about to stand still. */
  async function another() {
    const proxy = await startStallingProxy(databaseUrl)
    const stuck = postgresOutbox({ connectionString: proxy.url }, { spoolFolder: noFolder, schema })
    onTestFinished(async () => {
      proxy.close()
      await stuck.close()
    })
    await stuck.recorded()
    return { proxy, stuck }
  }

  const claimed = async (leaseMs: number): Promise<Batch | undefined> => {
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the claim waits')), 8_000).unref()
    })
    return await Promise.race([outbox.claim('alpha', { limit: 10, leaseMs }), late])
  }

  test('while it reads what it has claimed: others claim the rest', async () => {
    const records = Array.from({ length: 20 }, () => exampleRecord({ raw: large }))
    await outbox.append(records)
    const { proxy, stuck } = await another()
    proxy.stallAfter(200_000)
    const never = Promise.resolve(stuck.claim('alpha', { limit: 10, leaseMs: minute })).catch(
      () => {},
    )
    await proxy.stalled
    const batch = await claimed(minute)
    expect(batch?.entries.map(({ record }) => record.id)).toEqual(
      records.slice(10).map(({ id }) => id),
    )
    proxy.close()
    await never
  })

  test('while it reads what it has taken over: others take it over when its lease is over', async () => {
    await outbox.append(Array.from({ length: 10 }, () => exampleRecord({ raw: large })))
    const first = await outbox.claim('alpha', { limit: 10, leaseMs: 1 })
    const { proxy, stuck } = await another()
    await new Promise((resolve) => setTimeout(resolve, 10))
    proxy.stallAfter(200_000)
    const never = Promise.resolve(stuck.claim('alpha', { limit: 10, leaseMs: 1 })).catch(() => {})
    await proxy.stalled
    let again: Batch | undefined
    await expect.poll(async () => (again = await claimed(minute)), { timeout: 9_000 }).toBeDefined()
    expect(again?.id).toBe(first?.id)
    expect(again?.entries[0]).toMatchObject({ attempts: 2 })
    proxy.close()
    await never
  })

  test('while it holds a lock that stops every claim: the server takes it back', async () => {
    await outbox.append([exampleRecord()])
    const { proxy, stuck } = await another()
    proxy.stallBehind('pg_advisory_xact_lock')
    const never = Promise.resolve(stuck.prune(0)).catch(() => {})
    await proxy.stalled
    // Its lock is there: a claim has to wait for it.
    const batch = await claimed(minute)
    expect(batch?.entries).toHaveLength(1)
    proxy.close()
    await never
  })
})
