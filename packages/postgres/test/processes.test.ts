import type { Batch } from '@token-meter/core/outbox'
import { exampleRecord } from '@token-meter/testkit/suites'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresOutbox } from '../src/postgres-outbox.ts'
import { databaseUrl, newSchema } from './database-url.ts'
import { spawnChild } from './spawn-child.ts'

const accepted = { status: 'accepted' } as const

describe.skipIf(databaseUrl === '')('processes on one database', () => {
  let pool: pg.Pool
  beforeAll(() => {
    pool = new pg.Pool({ connectionString: databaseUrl })
  })
  afterAll(() => pool.end())

  const open = (schema: string) => postgresOutbox({ pool }, { schema })

  test('three that produce and four that deliver lose nothing, and send nothing twice', async () => {
    const schema = newSchema()
    const each = 400
    const workers = [1, 2, 3, 4].map(() => spawnChild('deliver', databaseUrl, schema, each * 3))
    const producers = [1, 2, 3].map(() => spawnChild('produce', databaseUrl, schema, each))
    const all = [...producers, ...workers]
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(all.map(() => 0))
    const kept = producers.flatMap((child) => child.said('kept'))
    const sent = workers.flatMap((child) => child.said('sent'))
    expect(new Set(kept).size).toBe(each * 3)
    expect(sent.toSorted()).toEqual(kept.toSorted())
    expect(workers.flatMap((child) => child.said('lost'))).toEqual([])
    // Each of them had a part in it.
    for (const worker of workers) expect(worker.said('sent').length).toBeGreaterThan(0)
    const count = each * 3
    expect(await open(schema).stats('alpha')).toMatchObject({
      recorded: count,
      delivered: count,
      pending: 0,
    })
  })

  test('what a killed worker had claimed comes again after its lease, whole and uncertain', async () => {
    const schema = newSchema()
    const outbox = open(schema)
    const records = [1, 2, 3].map(() => exampleRecord())
    await outbox.append(records)
    const leaseMs = 1500
    const child = spawnChild('claim-and-hang', databaseUrl, schema, 10, leaseMs)
    await child.hasSaid(1)
    const lost = JSON.parse(child.lines[0] ?? '') as Batch
    child.signal('SIGKILL')
    expect(await child.ended).toBe('SIGKILL')
    expect(await outbox.claim('alpha', { limit: 10, leaseMs })).toBeUndefined()
    const dueAt = await outbox.nextDueAt('alpha')
    expect(dueAt).toBeGreaterThan(Date.now())
    let again: Batch | undefined
    await expect
      .poll(async () => (again = await outbox.claim('alpha', { limit: 10, leaseMs })), {
        timeout: 10_000,
      })
      .toBeDefined()
    expect(again?.id).toBe(lost.id)
    expect(again?.entries.map(({ record }) => record)).toEqual(records)
    for (const entry of again?.entries ?? []) {
      expect(entry.attempts).toBe(1)
      expect(entry.uncertainSince).toBe(entry.firstAttemptAt)
    }
  })

  test('a worker that was stopped past its lease cannot settle what another took over', async () => {
    const schema = newSchema()
    const outbox = open(schema)
    await outbox.append([exampleRecord(), exampleRecord()])
    const child = spawnChild('claim-and-dream', databaseUrl, schema, 10, 1000)
    await child.hasSaid(1)
    child.signal('SIGSTOP')
    let taken: Batch | undefined
    await expect
      .poll(async () => (taken = await outbox.claim('alpha', { limit: 10, leaseMs: 60_000 })), {
        timeout: 10_000,
      })
      .toBeDefined()
    expect(child.said('claimed')).toEqual([taken?.id])
    child.signal('SIGCONT')
    expect(await child.ended).toBe(0)
    expect(child.said('lost')).toEqual([taken?.id])
    expect(await outbox.stats('alpha')).toMatchObject({ delivered: 0, pending: 2 })
    expect(taken && (await outbox.settle(taken, [accepted, accepted]))).toBe(true)
    expect(await outbox.stats('alpha')).toMatchObject({ delivered: 2, pending: 0 })
  })

  test('a killed producer loses nothing that it had kept', async () => {
    const schema = newSchema()
    const child = spawnChild('produce-for-ever', databaseUrl, schema)
    await child.hasSaid(50)
    child.signal('SIGKILL')
    await child.ended
    const outbox = open(schema)
    const kept = child.said('kept')
    for (const id of kept) expect(await outbox.find(id)).toMatchObject({ id })
    expect(await outbox.recorded()).toBeLessThanOrEqual(kept.length + 1)
  })

  test('five that begin on an empty database at once all get the tables', async () => {
    const schema = newSchema()
    const children = [1, 2, 3, 4, 5].map(() => spawnChild('use-once', databaseUrl, schema))
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0, 0])
    expect(await open(schema).recorded()).toBe(5)
  })

  test('a process ends by itself, though its outbox is open', async () => {
    const schema = newSchema()
    const child = spawnChild('append-unclosed', databaseUrl, schema)
    expect(await child.ended).toBe(0)
    expect(await open(schema).recorded()).toBe(1)
  })

  test('a process ends by itself, and throws nothing, while the database is away', async () => {
    const away = 'postgres://user:s3cret@127.0.0.1:1/usage'
    const child = spawnChild('append-unreachable', away, 'token_meter')
    expect(await child.ended).toBe(0)
    expect(child.lines).toEqual(['went on', 'kept'])
  })
})
