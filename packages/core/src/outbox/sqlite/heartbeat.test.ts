import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import type { OutboxError } from '../../errors/errors.ts'
import { prepareAppend, toRow } from './append.ts'
import { fileMark, isSamePlace } from './file-identity.ts'
import { openDatabase } from './open-database.ts'
import { newLease } from './lease-owner.ts'
import { prepareOperations } from './operations.ts'

const minute = 60_000

/** One file, in which processes see whatever inode the test says. */
function start() {
  const file = join(temporaryFolder(), 'usage.db')
  const clock = { nowMs: Date.parse('2026-11-20T10:00:00Z') }
  const found: OutboxError[] = []
  const come = (place: string) => {
    const database = openDatabase(file, { durability: 'process', busyTimeoutMs: 50 })
    onTestFinished(() => database.close())
    const operations = prepareOperations(database, {
      path: file,
      place,
      mark: fileMark(file),
      now: () => clock.nowMs,
      found: (error) => found.push(error),
      owner: newLease(),
    })
    const rows = (sql: string) => database.prepare(sql).all()
    const append = () => prepareAppend(database)([toRow(exampleRecord())])
    /** Delivers what waits, and returns since when that was uncertain. */
    const since = async () => {
      const batch = await operations.claim('alpha', { limit: 100, leaseMs: 1000 })
      if (batch === undefined) throw new Error('nothing waits')
      const results = batch.entries.map(() => ({ status: 'accepted' }) as const)
      await operations.settle(batch, results)
      return batch.entries.map(({ uncertainSince }) => uncertainSince)
    }
    return { ...operations, rows, append, since }
  }
  return { clock, found, come }
}

test('several inodes of one file whose users live are one file', async () => {
  const { clock, found, come } = start()
  const app = come('1@500')
  app.append()
  clock.nowMs += minute
  app.beat()
  const worker = come('2@500')
  expect(worker.rows('SELECT state FROM rests')).toEqual([{ state: 'watched' }])
  clock.nowMs += minute
  app.beat()
  expect(worker.rows('SELECT state FROM rests')).toEqual([{ state: 'trusted' }])
  expect(await worker.since()).toEqual([undefined])
  // Both are known from now on, over a weekend too.
  clock.nowMs += 70 * 60 * minute
  app.append()
  for (const place of ['1@500', '2@500', '1', '2']) come(place)
  expect(await worker.since()).toEqual([undefined])
  expect(found).toEqual([])
})

test('who uses the original does not use the copy', () => {
  const { clock, come } = start()
  const app = come('1@500')
  app.attend('alpha', 'live')
  clock.nowMs += 60 * minute
  const copy = come('2@700')
  expect(copy.sinks()).toEqual([{ name: 'alpha', mode: 'live', inUse: false }])
  copy.attend('alpha', 'live')
  expect(copy.sinks()).toMatchObject([{ inUse: true }])
})

test('a copy of a file whose user lives is one all the same: that user never comes', async () => {
  const { clock, found, come } = start()
  const app = come('1@500')
  app.append()
  const usedAt = clock.nowMs
  clock.nowMs += minute
  const copy = come('2@700')
  // Meanwhile it is uncertain already.
  expect(await copy.since()).toEqual([usedAt])
  copy.append()
  for (let passed = 0; passed < 11; passed++) {
    clock.nowMs += minute
    copy.beat()
  }
  expect(copy.rows('SELECT state FROM rests')).toEqual([{ state: 'distrusted' }])
  expect(copy.rows('SELECT place FROM sightings')).toEqual([{ place: '2@700' }])
  expect(found).toMatchObject([
    { message: expect.stringMatching(/is a copy.*1 record that waits/) },
  ])
})

test('a copy of a copy shows nothing about the first', () => {
  const { clock, come } = start()
  come('1@500').append()
  clock.nowMs += minute
  come('2@700')
  clock.nowMs += minute
  const third = come('3@900')
  expect(third.rows('SELECT state FROM rests')).toEqual([
    { state: 'watched' },
    { state: 'watched' },
  ])
  clock.nowMs += 20 * minute
  third.beat()
  expect(third.rows('SELECT state FROM rests')).toEqual([
    { state: 'distrusted' },
    { state: 'distrusted' },
  ])
})

test('a process that is alive is known again after a verdict that it was not', async () => {
  const { clock, come } = start()
  const app = come('1@500')
  clock.nowMs += 5 * minute
  const worker = come('2@500')
  expect(worker.rows('SELECT place FROM sightings')).toEqual([{ place: '2@500' }])
  app.beat()
  app.append()
  clock.nowMs += 60 * minute
  expect(await come('1@500').since()).toEqual([undefined])
})

test('a sign of life is written at most every half minute, and none by an append', () => {
  const { clock, come } = start()
  const { append, beat, claim, rows } = come('1@500')
  const count = () => rows('SELECT beat FROM identity')[0]?.beat
  expect(count()).toBe(1)
  for (let second = 0; second < 29; second++) {
    append()
    beat()
    claim('alpha', { limit: 1, leaseMs: 1000 })
    clock.nowMs += 1000
  }
  expect(count()).toBe(1)
  clock.nowMs += 1000
  append()
  expect(count()).toBe(1)
  claim('alpha', { limit: 1, leaseMs: 1000 })
  expect(count()).toBe(2)
  clock.nowMs += 30_000
  beat()
  expect(count()).toBe(3)
})

test('another inode, or another birth of the same inode, is another place', () => {
  expect(isSamePlace('12@500', '12@500')).toBe(true)
  expect(isSamePlace('12@500', '12@501')).toBe(false)
  expect(isSamePlace('12@500', '13@500')).toBe(false)
  expect(isSamePlace('12', '12@500')).toBe(true)
  expect(isSamePlace('12', '13')).toBe(false)
})
