import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describeOutbox, exampleRecord } from '@token-meter/testkit/suites'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from './open-database.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'

const folder = mkdtempSync(join(tmpdir(), 'token-meter-suite-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
const path = (): string => join(folder, `${files}.db`)

for (const durability of ['process', 'group', 'full'] as const) {
  describeOutbox(`sqliteOutbox with durability ${durability}`, {
    open(now) {
      files++
      return sqliteOutbox(path(), { now, durability })
    },
    reopen: (now) => sqliteOutbox(path(), { now, durability }),
  })
}

test('makes the folders and a file for its owner only, -wal included', () => {
  const file = join(temporaryFolder(), 'a', 'b', 'usage.db')
  const outbox = sqliteOutbox(file)
  outbox.append([exampleRecord()])
  expect(outbox).toMatchObject({ description: `sqlite ${file}`, durable: true })
  for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600)
  outbox.close()
})

test.each([
  ['process', 1],
  ['group', 1],
  ['full', 2],
] as const)(
  'durability %s is synchronous = %i, on a write-ahead log',
  (durability, synchronous) => {
    const file = join(temporaryFolder(), 'usage.db')
    const database = openDatabase(file, { durability, busyTimeoutMs: 100 })
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous })
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    database.close()
  },
)

test('a large or impossible raw usage is kept as null, and the record with it', () => {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'))
  const large = exampleRecord({ raw: 'x'.repeat(2_000_000) })
  const circular: Record<string, unknown> = { count: 1n }
  circular['self'] = circular
  const impossible = exampleRecord({ raw: circular })
  const bigint = exampleRecord({ raw: { total_tokens: 9007199254740993n } })
  outbox.append([large, impossible, bigint])
  expect(outbox.find(large.id)).toEqual({ ...large, raw: null })
  expect(outbox.find(impossible.id)).toEqual({ ...impossible, raw: null })
  expect(outbox.find(bigint.id)).toMatchObject({ raw: { total_tokens: '9007199254740993' } })
  outbox.close()
})

test('several records are kept together or not at all', () => {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'))
  const broken = exampleRecord({ id: null as unknown as string })
  const records = [exampleRecord(), broken]
  expect(() => outbox.append(records)).toThrow(expect.objectContaining({ code: 'outbox', records }))
  expect(outbox.recorded()).toBe(0)
  outbox.append([exampleRecord()])
  expect(outbox.recorded()).toBe(1)
  outbox.close()
})

test('duplicates leave no gap in the numbers, on which the counters rest', () => {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'))
  const record = exampleRecord()
  for (let time = 0; time < 5; time++) outbox.append([record])
  outbox.append([record, exampleRecord()])
  expect(outbox.position()).toBe(2)
  outbox.close()
})

test('while another process writes for too long, all but an append says so', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file, { busyTimeoutMs: 20 })
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const storing = outbox.append([exampleRecord()])
  const locked = {
    code: 'outbox',
    busy: true,
    message: expect.stringMatching(/locked.*busyTimeoutMs/),
  }
  expect(() => outbox.claim('alpha', { limit: 1, leaseMs: 1000 })).toThrow(
    expect.objectContaining(locked),
  )
  other.exec('ROLLBACK')
  await storing
  expect(outbox.recorded()).toBe(1)
  other.close()
  outbox.close()
})

test('a closed outbox says that it is closed', () => {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'))
  outbox.close()
  const closed = { code: 'outbox', message: expect.stringMatching(/is closed/) }
  expect(() => outbox.stats('alpha')).toThrow(expect.objectContaining(closed))
  expect(() => outbox.claim('alpha', { limit: 1, leaseMs: 1000 })).toThrow(
    expect.objectContaining(closed),
  )
})
