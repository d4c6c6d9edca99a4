import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Batch, Outbox } from '@token-meter/core'
import { sqliteOutbox, type SqliteOutboxOptions } from '@token-meter/core/sqlite'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { fill } from '../bench-outbox.ts'
import { benchRecords } from '../bench-usage.ts'
import { statementsOf } from './counted-statements.ts'

/** How many SQLite statements things take: what an outbox's speed is made of, without a clock. */
const folder = mkdtempSync(join(tmpdir(), 'token-meter-statements-'))
let number = 0
let outbox: Outbox | undefined

beforeEach(() => void outbox?.close())
afterAll(() => {
  void outbox?.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: SqliteOutboxOptions = {}): Outbox {
  outbox = sqliteOutbox(join(folder, `${number++}.db`), options)
  return outbox
}

test('a record is kept with one statement', async () => {
  const opened = open()
  const [first, second] = benchRecords(2)
  await opened.append([first!])
  expect(await statementsOf(() => opened.append([second!]))).toBe(1)
})

test('a full group is one transaction, of sixteen records a statement', async () => {
  const opened = open({ durability: 'group', groupMs: 1000 })
  await opened.append(benchRecords(1000))
  const rest = async () => {
    for (const record of benchRecords(1000, 1000)) await opened.append([record])
  }
  expect(await statementsOf(rest)).toBe(62 + 8 + 2)
})

test.each([1_000, 20_000])('a claim takes as many statements with %d waiting', async (waiting) => {
  const opened = open()
  await fill(opened, waiting, benchRecords)
  await opened.claim('gate', { limit: 100, leaseMs: 60_000 })
  expect(
    await statementsOf(() => opened.claim('gate', { limit: 100, leaseMs: 60_000 })),
  ).toBeLessThanOrEqual(11)
})

test.each([1, 1000])('a delivered batch of %d is settled with as many statements', async (size) => {
  const opened = open()
  await opened.append(benchRecords(size))
  const batch = (await opened.claim('gate', { limit: size, leaseMs: 60_000 })) as Batch
  const results = batch.entries.map(() => ({ status: 'accepted' }) as const)
  const settled = await statementsOf(() => opened.settle(batch, results))
  // One of them takes the marks of its requests away.
  expect(settled).toBeLessThanOrEqual(7)
})

test('a look at an outbox where nothing waits takes two statements', async () => {
  const opened = open()
  await opened.append(benchRecords(1))
  await opened.claim('gate', { limit: 100, leaseMs: 60_000 })
  const look = async () => {
    expect(await opened.claim('gate', { limit: 100, leaseMs: 60_000 })).toBeUndefined()
    await opened.nextDueAt('gate')
  }
  expect(await statementsOf(look)).toBe(2)
})
