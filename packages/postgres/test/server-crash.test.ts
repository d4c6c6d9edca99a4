import { join } from 'node:path'
import { type PostgresServer, startPostgres } from '@token-meter/testkit/internal'
import { exampleRecord } from '@token-meter/testkit/suites'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl } from './database-url.ts'
import { childSpool, spawnChild } from './spawn-child.ts'

describe.skipIf(databaseUrl === '')('a server that is killed', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  test('keeps what it has acknowledged; what comes meanwhile waits, in order', async () => {
    const schema = 'token_meter'
    const outbox = postgresOutbox(
      { connectionString: server.url },
      { schema, spoolFolder: childSpool },
    )
    const before = exampleRecord()
    await outbox.append([before])
    const producer = spawnChild('produce-for-ever', server.url, schema)
    await producer.hasSaid(30)
    const claimed = await outbox.claim('alpha', { limit: 5, leaseMs: 60_000 })
    expect(claimed?.entries[0]?.record).toEqual(before)
    server.kill()
    // Connections that were idle break now, which must not end this process.
    // Its children end when they notice.
    await expect
      .poll(() => Promise.resolve(outbox.stats('alpha')).catch((error: unknown) => error))
      .toMatchObject({ code: 'outbox', busy: true })
    const waiting = [exampleRecord(), exampleRecord(), exampleRecord()]
    let stored = 0
    const storing = waiting.map((record) => outbox.append([record]).then(() => stored++))
    const claiming = outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
    await expect(claiming).rejects.toMatchObject({ busy: true })
    // They are safe on this disk meanwhile.
    await Promise.all(storing)
    expect(stored).toBe(3)
    expect(outbox.waiting?.()).toBe(3)

    await server.restart()
    producer.signal('SIGKILL')
    await producer.ended
    await outbox.position()
    expect(outbox.waiting?.()).toBe(0)
    const kept = producer.said('kept')
    expect(kept.length).toBeGreaterThanOrEqual(30)
    for (const id of kept) expect(await outbox.find(id)).toMatchObject({ id })
    // The lease of before the crash holds, and its holder can settle it.
    expect(
      claimed &&
        (await outbox.settle(
          claimed,
          claimed.entries.map(() => ({ status: 'accepted' })),
        )),
    ).toBe(true)
    const { entries } = await outbox.ledger('alpha', { limit: 100_000 })
    const ids = entries.map(({ record }) => record.id)
    expect(ids.filter((id) => waiting.some((record) => record.id === id))).toEqual(
      waiting.map(({ id }) => id),
    )
    expect(new Set(ids).size).toBe(await outbox.recorded())
    await outbox.close()
  })

  test('without a disk, close hands back what could not be stored, and does not wait for ever', async () => {
    const spoolFolder = join(process.execPath, 'no-folder')
    const outbox = postgresOutbox({ connectionString: server.url }, { spoolFolder })
    await outbox.append([exampleRecord()])
    server.kill()
    await expect.poll(() => Promise.resolve(outbox.recorded()).catch(() => 'away')).toBe('away')
    const records = [exampleRecord()]
    const refused = outbox.append(records).catch((error: unknown) => error)
    await outbox.close()
    expect(await refused).toMatchObject({ code: 'outbox', records })
    await server.restart()
  })
})
