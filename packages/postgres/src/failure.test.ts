import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseUrl, newSchema, noFolder } from '../test/database-url.ts'
import { postgresOutbox } from './postgres-outbox.ts'

const secret = 's3cret-word'

async function errorOf(work: unknown): Promise<Error & { busy?: true; records?: unknown }> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

describe('options', () => {
  test.each([
    ['nothing', {}, /either a connectionString/],
    ['no string', { connectionString: 5 }, /connectionString must be a string/],
    ['no pool', { pool: {} }, /pool must be a Pool/],
    ['an unreadable string', { connectionString: `postgres://u:${secret}@h:port/d` }, /read/],
    ['a bare /', { connectionString: `postgres://u:12/${secret}@h:5432/d` }, /percent-encoded/],
    ['a bare ?', { connectionString: `postgres://u:12?${secret}@h:5432/d` }, /percent-encoded/],
    ['a bare #', { connectionString: `postgres://u:12#${secret}@h:5432/d` }, /percent-encoded/],
  ])('%s is refused when the outbox is made, without the password', (_, connection, message) => {
    const make = () => postgresOutbox(connection as { connectionString: string })
    expect(make).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringMatching(message) }),
    )
    try {
      make()
    } catch (error) {
      expect(JSON.stringify([String(error), (error as Error).cause ?? null])).not.toContain(secret)
    }
  })

  test.each([
    'postgres:///usage?host=/cloudsql/a:b:c&user=me@x.iam&password=token',
    'postgres://me:a@b@host/usage',
    'postgres://host/usage',
    '/var/run/postgresql usage',
  ])('%s is a connection string', (connectionString) => {
    expect(postgresOutbox({ connectionString }).description).toMatch(/usage \(schema/)
  })

  test.each([
    ['schema', { schema: 'a"; DROP' }],
    ['schema', { schema: 'pg_mine' }],
    ['maxConnections', { maxConnections: 0 }],
    ['spoolFolder', { spoolFolder: '' }],
  ])('a wrong %s is refused', (name, options) => {
    const make = () => postgresOutbox({ connectionString: 'postgres://h/d' }, options)
    expect(make).toThrow(expect.objectContaining({ code: 'config' }))
    expect(make).toThrow(new RegExp(name))
  })
})

// Nothing is kept elsewhere, so that what the database says is the answer.
const spoolFolder = noFolder

describe.skipIf(databaseUrl === '')('a database that cannot be used', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  function elsewhere(change: (url: URL) => void) {
    const url = new URL(databaseUrl)
    change(url)
    return postgresOutbox({ connectionString: url.href }, { schema: 'token_meter', spoolFolder })
  }

  test.each([
    ['a wrong password', (url: URL) => void (url.password = secret), /let the user in.*password/],
    ['an unknown user', (url: URL) => void (url.username = 'nobody'), /let the user in/],
    [
      'a missing database',
      (url: URL) => void (url.pathname = '/nowhere'),
      /no such database.*Create/,
    ],
  ])(
    '%s: appends are refused with the records, and the password is nowhere',
    async (_, change, message) => {
      const outbox = elsewhere(change)
      const records = [exampleRecord()]
      for (const work of [
        outbox.append(records),
        outbox.claim('alpha', { limit: 1, leaseMs: 1 }),
      ]) {
        const error = await errorOf(work)
        expect(error).toMatchObject({ code: 'outbox', message: expect.stringMatching(message) })
        expect(error.busy).toBeUndefined()
        for (const text of [
          error.message,
          error.stack,
          JSON.stringify(error.cause),
          outbox.description,
        ]) {
          expect(text).not.toContain(secret)
          expect(text).not.toContain(decodeURIComponent(new URL(databaseUrl).password))
        }
      }
      expect(await errorOf(outbox.append(records))).toMatchObject({ records })
      await outbox.close()
    },
  )

  test('a port where nobody listens: all but an append says that it is busy', async () => {
    const outbox = elsewhere((url) => void (url.port = '1'))
    expect(outbox.description).toMatch(/^postgres postgres@127\.0\.0\.1:1\/postgres/)
    const error = await errorOf(outbox.claim('alpha', { limit: 1, leaseMs: 1 }))
    expect(error).toMatchObject({ busy: true, message: expect.stringMatching(/cannot be reached/) })
    const records = [exampleRecord()]
    const refused = errorOf(outbox.append(records))
    await outbox.close()
    expect(await refused).toMatchObject({ code: 'outbox', records })
  })

  test('tables that somebody has dropped', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox({ pool }, { schema, spoolFolder })
    await outbox.append([exampleRecord()])
    await pool.query(`DROP SCHEMA ${schema} CASCADE`)
    const error = await errorOf(outbox.append([exampleRecord()]))
    expect(error.message).toMatch(/tables are not there.*migrate/)
  })

  test('a lock that another transaction holds is busy, not broken', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox(
      { connectionString: `${databaseUrl}?options=-c%20lock_timeout%3D50` },
      { spoolFolder: noFolder, schema },
    )
    await outbox.append([exampleRecord()])
    const client = await pool.connect()
    await client.query('BEGIN')
    await client.query(`LOCK TABLE ${schema}.records IN ACCESS EXCLUSIVE MODE`)
    const error = await errorOf(outbox.claim('alpha', { limit: 1, leaseMs: 1 }))
    expect(error).toMatchObject({ busy: true, message: expect.stringMatching(/in the way/) })
    const storing = outbox.append([exampleRecord()])
    await client.query('ROLLBACK')
    client.release()
    await storing
    expect(await outbox.recorded()).toBe(2)
    await outbox.close()
  })

  test('a value that the database refuses takes no other record with it', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    const good = [exampleRecord(), exampleRecord()]
    const bad = exampleRecord({ id: null as unknown as string })
    const [first, refused, last] = [
      outbox.append([good[0] ?? bad]),
      errorOf(outbox.append([bad])),
      outbox.append([good[1] ?? bad]),
    ]
    await Promise.all([first, last])
    expect(await refused).toMatchObject({ code: 'outbox', records: [bad] })
    expect(await outbox.recorded()).toBe(2)
  })

  test('text that Postgres cannot hold is kept all the same', async () => {
    const outbox = postgresOutbox({ pool }, { spoolFolder: noFolder, schema: newSchema() })
    const odd = exampleRecord({ id: 'a\0b', customer: 'c\0\ud800', attributes: { a: '\0' } })
    await outbox.append([odd])
    expect(await outbox.find('a\0b')).toEqual(odd)
    const batch = await outbox.claim("it's \\ a \0 sink", { limit: 10, leaseMs: 1000 })
    expect(batch?.entries.map(({ record }) => record)).toEqual([odd])
    const rejected = { status: 'rejected', reason: 'n\0', deliveredEventIds: ['\ud800'] } as const
    expect(batch && (await outbox.settle(batch, [rejected]))).toBe(true)
  })

  test('a connection that is ended from outside is replaced', async () => {
    const schema = newSchema()
    const outbox = postgresOutbox(
      { connectionString: databaseUrl },
      { spoolFolder: noFolder, schema },
    )
    await outbox.append([exampleRecord()])
    await pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'token-meter'
         AND query LIKE $1`,
      [`%${schema}%`],
    )
    await outbox.append([exampleRecord()])
    await expect.poll(() => outbox.recorded()).toBe(2)
    await outbox.close()
  })
})
