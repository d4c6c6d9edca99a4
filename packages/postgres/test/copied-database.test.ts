import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PostgresServer, startPostgres } from '@token-meter/testkit/internal'
import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl, newSchema } from './database-url.ts'

const hour = 60 * 60_000
const startMs = Date.parse('2026-11-20T10:00:00Z')
const accepted = { status: 'accepted' } as const

interface Place {
  readonly url: string
  readonly schema?: string
}

/** Opens the outbox of a database at a time of the test's. */
function open({ url, schema = 'token_meter' }: Place, nowMs: number) {
  const clock = { nowMs }
  const outbox = postgresOutbox({ connectionString: url }, { schema, now: () => clock.nowMs })
  onTestFinished(() => outbox.close())
  const faults: Error[] = []
  outbox.onFault?.((error) => faults.push(error))
  const add = async (count: number) => {
    const records = Array.from({ length: count }, () => exampleRecord())
    for (const record of records) {
      await outbox.append([record])
      // A busy machine spools it first.
      await expect.poll(() => outbox.find(record.id), { timeout: 30_000 }).toBeDefined()
    }
    return records.map(({ id }) => id)
  }
  /** Delivers what can be claimed, and answers since when it was uncertain. */
  const deliver = async () => {
    const found: Record<string, number | undefined> = {}
    for (;;) {
      const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
      if (batch === undefined) return found
      for (const { record, uncertainSince } of batch.entries) found[record.id] = uncertainSince
      await outbox.settle(
        batch,
        batch.entries.map(() => accepted),
      )
    }
  }
  return { outbox, faults, clock, add, deliver }
}

async function run<Row extends pg.QueryResultRow>(url: string, ...statements: readonly string[]) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: Row[] = []
    for (const statement of statements) rows = (await client.query<Row>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

describe.skipIf(databaseUrl === '')('a database that is a copy', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  const urlOf = (database: string) => {
    const url = new URL(server.url)
    url.pathname = database
    return url.href
  }
  /** A database of its own with three records that wait, last used at `startMs`. */
  const waiting = async () => {
    const name = newSchema()
    await run(server.url, `CREATE DATABASE ${name}`)
    const { outbox, add } = open({ url: urlOf(name) }, startMs)
    const ids = await add(3)
    await outbox.close()
    return { name, url: urlOf(name), ids }
  }
  const copyOf = async (name: string) => {
    const copy = newSchema()
    await run(server.url, `CREATE DATABASE ${copy} TEMPLATE ${name}`)
    return urlOf(copy)
  }
  /** What becomes a server from a backup, or from a standby, begins a timeline. */
  const beginTimeline = async () => {
    const [row] = await run<{ data_directory: string }>(server.url, 'SHOW data_directory')
    await run(server.url, `ALTER SYSTEM SET restore_command = 'false'`)
    const folder = row?.data_directory ?? ''
    server.kill()
    const signal = join(folder, 'recovery.signal')
    writeFileSync(signal, '')
    const { uid, gid } = statSync(folder)
    if (process.getuid?.() === 0) chownSync(signal, uid, gid)
    await server.restart()
  }

  const doubtful = (ids: readonly string[], since = startMs) =>
    Object.fromEntries(ids.map((id) => [id, since]))
  const certain = (ids: readonly string[]) => Object.fromEntries(ids.map((id) => [id, undefined]))

  test('another database with the same tables: what waited may have been delivered', async () => {
    const { name, ids } = await waiting()
    const copy = await copyOf(name)
    const opened = open({ url: copy }, startMs + 25 * hour)
    const later = await opened.add(1)
    expect(opened.faults).toMatchObject([
      {
        code: 'outbox',
        message: expect.stringMatching(/is a copy, or was restored.*2026-11-20T10:00.*3 records/),
      },
    ])
    expect(opened.faults[0]?.message).not.toMatch(/p4ss/)
    expect(await opened.deliver()).toEqual({ ...doubtful(ids), ...certain(later) })
    await opened.outbox.close()
    // It is the database now.
    const again = open({ url: copy }, startMs + 80 * hour)
    expect(await again.deliver()).toEqual({})
    expect(await again.deliver()).toEqual(certain(await again.add(0)))
    expect(again.faults).toEqual([])
    // And the original is still the original.
    const original = open({ url: urlOf(name) }, startMs + 80 * hour)
    expect(await original.deliver()).toEqual(certain(ids))
    expect(original.faults).toEqual([])
  })

  test('tables that a dump has brought, into the same database too', async () => {
    const { url, ids } = await waiting()
    const schema = newSchema()
    const empty = open({ url, schema }, startMs)
    await empty.outbox.recorded()
    await empty.outbox.close()
    const tables = await run<{ name: string }>(
      url,
      `SELECT relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
       WHERE nspname = 'token_meter' AND relkind = 'r'`,
    )
    const moves = tables.flatMap(({ name }) => [
      `DELETE FROM ${schema}.${name}`,
      `INSERT INTO ${schema}.${name} OVERRIDING SYSTEM VALUE SELECT * FROM token_meter.${name}`,
    ])
    await run(url, ...moves)
    const restored = open({ url, schema }, startMs + 25 * hour)
    expect(await restored.deliver()).toEqual(doubtful(ids))
    expect(restored.faults).toHaveLength(1)
  })

  test('a weekend, a killed server, a vacuum: nothing is uncertain', async () => {
    const { url, ids } = await waiting()
    await run(url, 'VACUUM FULL', 'CHECKPOINT')
    server.kill()
    await server.restart()
    const opened = open({ url }, startMs + 70 * hour)
    expect(await opened.deliver()).toEqual(certain(ids))
    expect(opened.faults).toEqual([])
  })

  test('a failover, or a restored backup of the server: also for a process that lives through it', async () => {
    const { url, ids } = await waiting()
    const other = await waiting()
    const alive = open({ url }, startMs + hour)
    const later = await alive.add(1)
    await beginTimeline()
    alive.clock.nowMs += 40_000
    const claim = async () => alive.outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
    // The connections of before are broken.
    const batch = await expect
      .poll(() => claim().catch(() => undefined))
      .toBeDefined()
      .then(claim)
    expect(batch).toBeUndefined()
    alive.clock.nowMs += 1000
    expect(await alive.deliver()).toEqual(doubtful([...ids, ...later], startMs + hour))
    expect(alive.faults).toMatchObject([{ message: expect.stringMatching(/4 records/) }])
    // Who comes later knows the new timeline.
    expect(await open({ url }, startMs + 90 * hour).deliver()).toEqual({})
    expect(await open(other, startMs + 25 * hour).deliver()).toEqual(doubtful(other.ids))
  })

  test('a role that may not ask is told once what is not noticed; a dump is all the same', async () => {
    const { name, url, ids } = await waiting()
    const role = `${name}_app`
    const functions = [
      'pg_control_system()',
      'pg_control_checkpoint()',
      'pg_walfile_name(pg_lsn)',
      'pg_current_wal_lsn()',
    ]
    await run(
      url,
      `CREATE ROLE ${role} LOGIN PASSWORD 'app'`,
      ...functions.map((name) => `REVOKE EXECUTE ON FUNCTION ${name} FROM PUBLIC`),
      `GRANT USAGE ON SCHEMA token_meter TO ${role}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA token_meter TO ${role}`,
    )
    const asRole = (place: string) => {
      const found = new URL(place)
      found.username = role
      found.password = 'app'
      return found.href
    }
    const opened = open({ url: asRole(url) }, startMs + 25 * hour)
    const refused = {
      message: expect.stringMatching(
        /may not call pg_control_system\(\) and pg_control_checkpoint\(\).*outbox\.distrust\(\)/,
      ),
    }
    const [first = ''] = ids
    const batch = await opened.outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
    expect(batch?.entries).toMatchObject([{ record: { id: first }, uncertainSince: undefined }])
    if (batch !== undefined) await opened.outbox.settle(batch, [accepted])
    opened.clock.nowMs += 60_000
    await opened.outbox.claim('beta', { limit: 1, leaseMs: 1000 })
    expect(opened.faults).toMatchObject([refused])
    await opened.outbox.close()

    const copy = open({ url: asRole(await copyOf(name)) }, startMs + 50 * hour)
    const since = await copy.deliver()
    expect(Object.keys(since)).toEqual(ids.slice(1))
    expect(Object.values(since)).not.toContain(undefined)
    expect(copy.faults).toMatchObject([refused, { message: expect.stringMatching(/3 records/) }])
  })

  test('a snapshot with everything is distrusted by whoever restores it', async () => {
    const { url, ids } = await waiting()
    const opened = open({ url }, startMs + 25 * hour)
    const later = await opened.add(1)
    expect(await opened.outbox.distrust()).toBe(4)
    expect(await opened.deliver()).toEqual(doubtful([...ids, ...later]))
  })
})
