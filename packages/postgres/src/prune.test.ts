import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox } from './postgres-outbox.ts'

describe.skipIf(databaseUrl === '')('pruning of a long ledger', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  /** 10,000 delivered records and some others of each time. */
  async function longLedger() {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    const records = Array.from({ length: 10_000 }, (_, index) =>
      // Out of order, and often at the same time.
      exampleRecord({ at: (index * 7919) % 5_000 }),
    )
    await outbox.append(records)
    const batch = await outbox.claim('alpha', { limit: 10_000, leaseMs: 60_000 })
    const dead = new Set(records.filter((_, index) => index % 1000 === 0).map(({ id }) => id))
    const results = (batch?.entries ?? []).map(({ record }) =>
      dead.has(record.id)
        ? ({ status: 'rejected', reason: 'no' } as const)
        : ({ status: 'accepted' } as const),
    )
    expect(batch && (await outbox.settle(batch, results))).toBe(true)
    await outbox.append([exampleRecord({ at: 1 }), exampleRecord({ at: 1, customer: null })])
    return { outbox, records, dead }
  }

  test('takes what is old and settled, wherever it stands, and nothing else', async () => {
    const { outbox, records, dead } = await longLedger()
    const gone = records.filter(({ at, id }) => at < 3_000 && !dead.has(id)).length
    expect(gone).toBeGreaterThan(5_000)
    expect(await outbox.prune(3_000)).toBe(gone)
    expect(await outbox.prune(3_000)).toBe(0)
    const left = (await outbox.ledger('alpha', { limit: 20_000 })).entries
    expect(left).toHaveLength(10_002 - gone)
    expect(
      left.filter(({ state }) => state === 'delivered').map(({ record }) => record.at),
    ).toEqual(records.filter(({ at, id }) => at >= 3_000 && !dead.has(id)).map(({ at }) => at))
    expect(await outbox.stats('alpha')).toMatchObject({
      recorded: 10_002,
      delivered: 9_990,
      dead: 10,
      pending: 1,
      unattributed: 1,
    })
  })

  test('where nothing is old it does not read the ledger', async () => {
    const { outbox } = await longLedger()
    let uses = 0
    const count = () => void uses++
    pool.on('acquire', count)
    expect(await outbox.prune(0)).toBe(0)
    pool.off('acquire', count)
    expect(uses).toBeLessThanOrEqual(3)
  })
})
