import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../../test/database-url.ts'
import { postgresOutbox } from '../postgres-outbox.ts'

const usage = {
  customer: 'cus_1',
  provider: 'openai',
  model: 'gpt-5.4',
  tokens: { input: 12, output: 3 },
}

describe.skipIf(databaseUrl === '')('usage recorded in a transaction of the caller', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  async function answerAndRecord(end: 'COMMIT' | 'ROLLBACK') {
    const schema = newSchema()
    await pool.query(`CREATE TABLE public.${schema} (answer text)`)
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(`INSERT INTO public.${schema} VALUES ('42')`)
    await outbox.recordIn(client, usage)
    await outbox.recordIn(client, [usage, { ...usage, customer: 'cus_2' }])
    // Nobody sees it before the transaction ends.
    expect(await outbox.recorded()).toBe(0)
    await client.query(end)
    client.release()
    const { rowCount } = await pool.query(`SELECT FROM public.${schema}`)
    return { outbox, answers: rowCount }
  }

  test('is kept when it commits, with the data', async () => {
    const { outbox, answers } = await answerAndRecord('COMMIT')
    expect(answers).toBe(1)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 3, pending: 3 })
    const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
    expect(batch?.entries.map(({ record }) => record)).toMatchObject([
      { customer: 'cus_1', tokens: { input: 12, output: 3, cachedInput: 0 } },
      { customer: 'cus_1' },
      { customer: 'cus_2' },
    ])
  })

  test('is gone when it does not, with the data', async () => {
    const { outbox, answers } = await answerAndRecord('ROLLBACK')
    expect(answers).toBe(0)
    expect(await outbox.stats('alpha')).toMatchObject({ recorded: 0, pending: 0 })
    expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toBeUndefined()
  })

  test('refuses an id that has other usage, and takes the same again', async () => {
    const outbox = postgresOutbox({ pool }, { schema: newSchema() })
    const named = { ...usage, id: 'x1' }
    const client = await pool.connect()
    await client.query('BEGIN')
    await outbox.recordIn(client, [named, named])
    await outbox.recordIn(client, named)
    await expect(
      outbox.recordIn(client, { ...named, customer: 'cus_other' }),
    ).rejects.toMatchObject({
      code: 'duplicate-id',
      records: [{ customer: 'cus_other' }],
      kept: [{ customer: usage.customer }],
    })
    await client.query('COMMIT')
    client.release()
    expect(await outbox.recorded()).toBe(1)
  })

  test('holds up no other append of the same process while it is open', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    await outbox.append([])
    const client = await pool.connect()
    await client.query('BEGIN')
    await outbox.recordIn(client, usage)
    const { exampleRecord } = await import('@token-meter/testkit/suites')
    await outbox.append([exampleRecord()])
    expect(await outbox.recorded()).toBe(1)
    await client.query('COMMIT')
    client.release()
    expect(await outbox.recorded()).toBe(2)
  })

  test('needs no other connection than the one it is given', async () => {
    const schema = newSchema()
    await postgresOutbox({ pool }, { spoolFolder: noFolder, schema }).append([])
    await postgresOutbox({ pool }, { spoolFolder: noFolder, schema }).recorded()
    const single = new pg.Pool({ connectionString: databaseUrl, max: 1 })
    const outbox = postgresOutbox({ pool: single }, { spoolFolder: noFolder, schema })
    const client = await single.connect()
    await client.query('BEGIN')
    // Others are waiting for a connection already.
    const recorded = outbox.recorded()
    await outbox.recordIn(client, usage)
    await client.query('COMMIT')
    client.release()
    expect(await recorded).toBe(1)
    await single.end()
  })

  test('the same id again records nothing, in any transaction', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    for (let time = 0; time < 2; time++) {
      await outbox.recordIn(pool as unknown as pg.Client, { ...usage, id: 'answer-1' })
    }
    expect(await outbox.recorded()).toBe(1)
  })

  test('wrong usage is refused before anything is written, as by meter.record()', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    const client = await pool.connect()
    await client.query('BEGIN')
    const wrong = outbox.recordIn(client, [usage, { ...usage, customer: '' }])
    await expect(wrong).rejects.toThrow(TypeError)
    await client.query('COMMIT')
    client.release()
    expect(await outbox.recorded()).toBe(0)
  })

  test('tallies of ended transactions are added up by prune, and the count stays', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema })
    for (let time = 0; time < 5; time++) {
      await outbox.recordIn(pool as unknown as pg.Client, usage)
    }
    const tallies = async () => (await pool.query(`SELECT FROM ${schema}.tallies`)).rowCount
    expect(await tallies()).toBe(5)
    await outbox.prune(0)
    expect(await tallies()).toBe(1)
    expect(await outbox.recorded()).toBe(5)
  })
})
