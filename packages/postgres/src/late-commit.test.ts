import { exampleRecord } from '@token-meter/testkit/suites'
import type { ManualUsage } from '@token-meter/core/adapter'
import type { Batch } from '@token-meter/core/outbox'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox, type PostgresOutbox } from './postgres-outbox.ts'

const accepted = { status: 'accepted' } as const
const usage = (id: string): ManualUsage => ({
  id,
  customer: 'cus_1',
  provider: 'openai',
  model: 'gpt-5.4',
  tokens: { input: 1 },
})

describe.skipIf(databaseUrl === '')('a transaction that commits late', () => {
  let pool: pg.Pool
  let schema: string
  let outbox: PostgresOutbox
  let open: pg.PoolClient

  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl, max: 20 })
  })
  beforeEach(async () => {
    schema = newSchema()
    outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    open = await pool.connect()
    await open.query('BEGIN')
  })
  afterEach(async () => {
    await open.query('ROLLBACK')
    open.release()
  })
  afterAll(() => pool.end())

  const idsOf = (batch: Batch | undefined) => batch?.entries.map(({ record }) => record.id) ?? []
  const claim = (sink = 'alpha', limit = 100) => outbox.claim(sink, { limit, leaseMs: 60_000 })
  const deliver = async (sink = 'alpha'): Promise<readonly string[]> => {
    const batch = await claim(sink)
    if (batch !== undefined) {
      const results = batch.entries.map(() => accepted)
      expect(await outbox.settle(batch, results)).toBe(true)
    }
    return idsOf(batch)
  }
  const holes = async (): Promise<number> => {
    const { rows } = await pool.query(`SELECT count(*)::int AS count FROM ${schema}.holes`)
    return (rows[0] as { count: number }).count
  }

  test('is delivered, once, to every sink, though others with later numbers went first', async () => {
    await outbox.recordIn(open, usage('late'))
    const other = exampleRecord()
    await outbox.append([other])
    expect(await deliver()).toEqual([other.id])
    expect(await deliver()).toEqual([])
    const position = await outbox.position()
    expect(await outbox.isSettled('alpha', position)).toBe(true)
    expect(await outbox.nextDueAt('alpha')).toBeUndefined()
    await open.query('COMMIT')

    const { at: oldestPendingAt } = (await outbox.find('late')) ?? {}
    expect(oldestPendingAt).toBeGreaterThan(0)
    const counts = { recorded: 2, delivered: 1, pending: 1 }
    expect(await outbox.stats('alpha')).toMatchObject({ ...counts, oldestPendingAt })
    expect(await outbox.isSettled('alpha', position)).toBe(false)
    expect(await outbox.nextDueAt('alpha')).toBeDefined()
    const { entries } = await outbox.ledger('alpha')
    expect(entries.map(({ state }) => state)).toEqual(['pending', 'delivered'])
    expect(
      await outbox.correct('alpha', ['late'], { state: 'dead', reason: 'it is pending' }),
    ).toBe(0)
    expect(await deliver()).toEqual(['late'])
    expect(await deliver()).toEqual([])
    expect(await deliver('beta')).toEqual(['late', other.id])
    expect(await outbox.isSettled('alpha', position)).toBe(true)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, delivered: 2, pending: 0 })
  })

  test('is not waited for once it was rolled back, and numbers that never come are forgotten', async () => {
    await outbox.recordIn(open, [usage('one'), usage('two')])
    await outbox.append([exampleRecord()])
    expect(await deliver()).toHaveLength(1)
    expect(await holes()).toBe(2)
    await outbox.append([exampleRecord()])
    await deliver()
    // It is still open: the numbers may come.
    expect(await holes()).toBe(2)
    await open.query('ROLLBACK')
    await expect.poll(async () => (await deliver(), await holes())).toBe(0)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, delivered: 2, pending: 0 })
  })

  test('comes before newer records, and a full batch leaves the rest of it for the next', async () => {
    await outbox.recordIn(open, ['a', 'b', 'c'].map(usage))
    const [first, second] = [exampleRecord(), exampleRecord()]
    await outbox.append([first])
    await deliver()
    await outbox.append([second])
    await open.query('COMMIT')
    expect(idsOf(await claim('alpha', 2))).toEqual(['a', 'b'])
    expect(idsOf(await claim('alpha', 2))).toEqual(['c', second.id])
    expect(await claim()).toBeUndefined()
    expect(first.id).not.toBe(second.id)
  })

  test('is pruned by nobody who has not delivered it, and not before', async () => {
    await outbox.recordIn(open, { ...usage('late'), at: 1 })
    await outbox.append([exampleRecord({ at: 1 }), exampleRecord({ at: 1 })])
    await deliver()
    // A sink that comes later could not tell the number that is to come from a pruned one.
    expect(await outbox.prune(1000)).toBe(0)
    await open.query('COMMIT')
    expect(await outbox.prune(1000)).toBe(0)
    expect(await deliver()).toEqual(['late'])
    await expect.poll(async () => (await deliver(), await holes())).toBe(0)
    expect(await outbox.prune(1000)).toBe(3)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 3, delivered: 3, pending: 0 })
    expect(await deliver('gamma')).toEqual([])
    expect(await outbox.stats('gamma')).toMatchObject({ recorded: 0, pending: 0 })
  })

  test('a late record without a customer is passed over, and delivered once it has one', async () => {
    const late = exampleRecord({ customer: null })
    await outbox.recordIn(open, usage('opens'))
    // As a provider package would, which `recordIn` cannot.
    await open.query(
      `INSERT INTO ${schema}.records (id, customer, at, body) VALUES ($1, NULL, 1, $2)`,
      [late.id, JSON.stringify(late)],
    )
    await outbox.append([exampleRecord()])
    await deliver()
    await open.query('COMMIT')
    expect(await outbox.attribute([late.id], 'cus_2')).toBe(1)
    expect(await deliver()).toEqual(['opens', late.id])
    expect(await deliver()).toEqual([])
  })

  test('a registration waits for it, for a moment, and then says that it is in the way', async () => {
    await outbox.recordIn(open, usage('late'))
    const refused = outbox.registerSink('alpha', { sinceMs: Date.now() + 1000 })
    await expect(refused).rejects.toMatchObject({ code: 'outbox', busy: true })
    const waiting = outbox.registerSink('alpha', { sinceMs: Date.now() + 60_000 })
    await open.query('COMMIT')
    expect(await waiting).toBe(true)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 0, pending: 0 })
    await outbox.append([exampleRecord()])
    expect(await deliver()).toHaveLength(1)
  })

  test('has its transaction id before it draws a number, on which claims rely', async () => {
    await outbox.append([exampleRecord()])
    // Defaults are evaluated together with the number, before the row is written.
    await pool.query(
      `ALTER TABLE ${schema}.records
       ADD COLUMN had text DEFAULT pg_current_xact_id_if_assigned()::text`,
    )
    const record = exampleRecord()
    await outbox.append([record])
    const { rows } = await pool.query(`SELECT had FROM ${schema}.records WHERE id = $1`, [
      record.id,
    ])
    expect(rows).toEqual([{ had: expect.stringMatching(/^\d+$/) }])
  })

  test('whatever order they commit in, everything that was committed arrives once', async () => {
    const committed = new Set<string>()
    const delivered: string[] = []
    let isWriting = true
    const random = (most: number) => Math.floor(Math.random() * most)
    const write = async (writer: number) => {
      const client = await pool.connect()
      for (let turn = 0; turn < 40; turn++) {
        await client.query('BEGIN')
        const ids: string[] = []
        for (let part = 0; part <= random(3); part++) {
          const id = `${writer}-${turn}-${part}`
          await outbox.recordIn(client, usage(id))
          ids.push(id)
          if (random(3) === 0) await new Promise((resolve) => setTimeout(resolve, random(8)))
        }
        const keeps = random(4) > 0
        await client.query(keeps ? 'COMMIT' : 'ROLLBACK')
        if (keeps) for (const id of ids) committed.add(id)
      }
      client.release()
    }
    const read = async () => {
      while (isWriting) delivered.push(...(await deliver()))
    }
    const reading = [read(), read()]
    await Promise.all([1, 2, 3, 4, 5, 6].map(write))
    isWriting = false
    await Promise.all(reading)
    for (let got = await deliver(); got.length > 0; got = await deliver()) delivered.push(...got)
    expect(delivered.toSorted()).toEqual([...committed].toSorted())
    const count = committed.size
    expect(await outbox.stats('alpha')).toMatchObject({
      recorded: count,
      delivered: count,
      pending: 0,
    })
  })
})
