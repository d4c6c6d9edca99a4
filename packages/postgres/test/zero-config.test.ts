import { createMeter } from '@token-meter/core'
import { describe, expect, test } from 'vitest'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl, newSchema } from './database-url.ts'
import { spawnScript } from './spawn-child.ts'
import pg from 'pg'

describe.skipIf(databaseUrl === '')('a meter that configures itself', () => {
  test('keeps usage in Postgres when TOKEN_METER_OUTBOX names one, and ends by itself', async () => {
    const database = newSchema()
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    await client.query(`CREATE DATABASE ${database}`)
    await client.end()
    const url = new URL(databaseUrl)
    url.pathname = database
    const child = spawnScript('zero-config-child.ts', [], { TOKEN_METER_OUTBOX: url.href })
    expect(await child.ended).toBe(0)
    expect(child.said('outbox')).toEqual([
      `postgres postgres@127.0.0.1:${url.port}/${database} (schema token_meter)`,
    ])
    expect(child.said('recorded')).toEqual(['1'])
    const outbox = postgresOutbox({ connectionString: url.href })
    const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
    expect(batch?.entries).toMatchObject([{ record: { customer: 'cus_1', tokens: { input: 7 } } }])
    await outbox.close()
  })

  test('connects when the meter is made, so that the first call need not wait for it', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox({ connectionString: databaseUrl }, { schema })
    const meter = createMeter({ providers: [], outbox })
    const prepared = { text: 'SELECT 1 FROM pg_namespace WHERE nspname = $1', values: [schema] }
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    await expect
      .poll(async () => (await client.query(prepared)).rowCount, { timeout: 10_000 })
      .toBeGreaterThan(0)
    await client.end()
    await meter.close()
  })

  test('takes a scheme in capitals for a URL too, and not for the name of a file', async () => {
    const away = 'POSTGRES://user:s3cret@127.0.0.1:1/usage'
    const child = spawnScript('zero-config-child.ts', [], { TOKEN_METER_OUTBOX: away })
    await child.hasSaid(1)
    expect(child.lines).toEqual(['outbox postgres user@127.0.0.1:1/usage (schema token_meter)'])
    child.signal('SIGKILL')
    await child.ended
  })
})
