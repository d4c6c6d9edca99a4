import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Faults, OutboxError } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { type RecordRow, toRow } from '../append/append.ts'
import { Spool } from './spool.ts'
import { SpoolFolder, spoolIdentity } from './spool-folder.ts'

const away = new Error('away')
const wrong = new Error('wrong value')
const identity = spoolIdentity('db', 5432, 'usage', 'token_meter')

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-spool-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'app', 'spool')
}

/** A spool, and the database behind it: a list, which `failure` keeps closed. */
function start(folder: string, name = identity) {
  const stored: string[] = []
  const told: Error[] = []
  const database = { failure: undefined as Error | undefined, refuses: '' }
  const faults = new Faults()
  faults.listen((error) => void told.push(error))
  const spool = new Spool(
    new SpoolFolder(folder, name),
    {
      async store(rows) {
        if (database.failure !== undefined) throw database.failure
        if (rows.some(({ id }) => id === database.refuses)) throw wrong
        stored.push(...rows.map(({ id }) => id))
      },
      isPassing: (cause) => cause === away,
      isAboutTheValues: (cause) => cause === wrong,
      explain: (cause, records) =>
        new OutboxError(String(cause), { cause, records: records ?? [] }),
    },
    faults,
  )
  onTestFinished(() => spool.close())
  return { spool, stored, told, database }
}

const records = (count: number): UsageRecord[] =>
  Array.from({ length: count }, () => exampleRecord())
const rows = (some: readonly UsageRecord[]): RecordRow[] => some.map((record) => toRow(record))
const idsOf = (some: readonly { readonly id: string }[]) => some.map(({ id }) => id)
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.includes('.jsonl'))
    .toSorted()
/** As if the process that wrote it were of another machine. */
const disown = (folder: string, file: string, ageMs: number) => {
  const [database = '', , ...rest] = file.split('-')
  const name = [database, 'f'.repeat(12), ...rest].join('-')
  renameSync(join(folder, file), join(folder, name))
  const then = new Date(Date.now() - ageMs)
  utimesSync(join(folder, name), then, then)
  return name
}

test('what is kept is in one file, which nobody else may read, until the database has it', async () => {
  const folder = newFolder()
  const { spool, stored, database } = start(folder)
  database.failure = away
  const given = records(3)
  expect(spool.keep(rows(given.slice(0, 1)))).toBe(true)
  expect(spool.keep(rows(given.slice(1)))).toBe(true)
  const [file = '', ...others] = filesIn(folder)
  expect(others).toEqual([])
  expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n')
  expect(spool.waiting).toBe(3)
  expect(idsOf(await spool.rows())).toEqual(idsOf(given))
  await spool.tried()
  database.failure = undefined
  await spool.drained()
  expect(stored).toEqual(idsOf(given))
  expect(filesIn(folder)).toEqual([])
  expect(spool.waiting).toBe(0)
})

test('test usage is test usage once it comes out of it', async () => {
  const { spool, database } = start(newFolder())
  database.failure = away
  const given = rows([exampleRecord({ livemode: false }), exampleRecord({ livemode: true })])
  spool.keep(given)
  // What was open of them when their process ended is gone with them.
  expect(await spool.rows()).toEqual(given.map((row) => ({ ...row, ends: [row.id] })))
  expect(given.map(({ isTest }) => isTest)).toEqual([true, false])
})

test('it is tried again by itself', async () => {
  const { spool, stored, database } = start(newFolder())
  database.failure = away
  const given = records(1)
  spool.keep(rows(given))
  await spool.tried()
  database.failure = undefined
  await expect.poll(() => stored).toEqual(idsOf(given))
})

test('what comes while it is drained is drained too, whatever the sizes', async () => {
  const { spool, stored } = start(newFolder())
  const large = exampleRecord({ raw: { text: 'x'.repeat(900_000) } })
  const given = [...records(700), large, ...records(800), large, ...records(5)]
  const unique = given.map((record, index) => ({ ...record, id: `r${index}` }))
  const draining: Promise<void>[] = []
  for (let at = 0; at < unique.length; at += 100) {
    expect(spool.keep(rows(unique.slice(at, at + 100)))).toBe(true)
    draining.push(spool.drained())
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(draining)
  expect(stored).toEqual(idsOf(unique))
})

test('a file that another process has taken over gets no more lines', async () => {
  const folder = newFolder()
  const { spool, stored, database } = start(folder)
  database.failure = away
  const given = records(2)
  spool.keep(rows(given.slice(0, 1)))
  // A process of another machine thought that this one was gone.
  const taken = join(folder, 'taken')
  renameSync(join(folder, filesIn(folder)[0] ?? ''), taken)
  expect(spool.keep(rows(given.slice(1)))).toBe(true)
  expect(readFileSync(join(folder, filesIn(folder)[0] ?? ''), 'utf8')).toContain(given[1]?.id)
  database.failure = undefined
  await spool.drained()
  expect(new Set(stored)).toEqual(new Set(idsOf(given)))
})

test('a process that cannot be looked up is gone when its file is silent', async () => {
  const folder = newFolder()
  const first = start(folder)
  first.database.failure = away
  const given = records(2)
  first.spool.keep(rows(given))
  const next = start(folder)
  const file = disown(folder, filesIn(folder)[0] ?? '', 10_000)
  await next.spool.drained()
  expect(next.stored).toEqual([])
  expect(idsOf(await next.spool.rows())).toEqual(idsOf(given))
  const then = new Date(Date.now() - 40_000)
  utimesSync(join(folder, file), then, then)
  await next.spool.drained()
  expect(next.stored).toEqual(idsOf(given))
  expect(filesIn(folder)).toEqual([])
})

test('what is closed is let go of, and drained by the next, also in the same process', async () => {
  const folder = newFolder()
  const first = start(folder)
  first.database.failure = away
  const given = records(2)
  first.spool.keep(rows(given))
  const alive = start(folder)
  await alive.spool.drained()
  expect(alive.stored).toEqual([])
  await first.spool.close()
  await alive.spool.drained()
  expect(alive.stored).toEqual(idsOf(given))
})

test('two that drain at once have all of it between them', async () => {
  const folder = newFolder()
  const first = start(folder)
  first.database.failure = away
  const given = records(1200)
  first.spool.keep(rows(given))
  await first.spool.close()
  const both = [start(folder), start(folder)]
  await Promise.all(both.map(({ spool }) => spool.drained()))
  expect(both.flatMap(({ stored }) => stored).toSorted()).toEqual(idsOf(given).toSorted())
})

test('the files of another database are left, and told of when they are old', async () => {
  const folder = newFolder()
  const first = start(folder, spoolIdentity('db', 5432, 'other', 'token_meter'))
  first.database.failure = away
  first.spool.keep(rows(records(1)))
  await first.spool.close()
  const [file = ''] = filesIn(folder)
  const next = start(folder)
  await next.spool.begin()
  await next.spool.drained()
  expect([next.stored, next.told, filesIn(folder)]).toEqual([[], [], [file]])
  const then = new Date(Date.now() - 2 * 60 * 60_000)
  utimesSync(join(folder, file), then, then)
  const later = start(folder)
  await later.spool.begin()
  await later.spool.drained()
  expect(later.told).toMatchObject([{ message: expect.stringContaining(file) }])
  expect(filesIn(folder)).toEqual([file])
})

test('a file so old that its records may be pruned is left until somebody touches it', async () => {
  const folder = newFolder()
  const first = start(folder)
  first.database.failure = away
  const given = records(1)
  first.spool.keep(rows(given))
  await first.spool.close()
  const path = join(folder, filesIn(folder)[0] ?? '')
  const then = new Date(Date.now() - 31 * 24 * 60 * 60_000)
  utimesSync(path, then, then)
  const next = start(folder)
  await next.spool.begin()
  await next.spool.drained()
  expect([next.stored, await next.spool.rows()]).toEqual([[], []])
  expect(next.told).toMatchObject([{ message: expect.stringMatching(/older than 30 days/) }])
  utimesSync(path, new Date(), new Date())
  await next.spool.drained()
  expect(next.stored).toEqual(idsOf(given))
})

test('a line that was cut off is nothing, and lines that are no records are left to be looked at', async () => {
  const folder = newFolder()
  const first = start(folder)
  first.database.failure = away
  const given = records(3)
  first.spool.keep(rows(given))
  await first.spool.close()
  const path = join(folder, filesIn(folder)[0] ?? '')
  truncateSync(path, statSync(path).size - 30)
  const cut = start(folder)
  await cut.spool.drained()
  expect(cut.stored).toEqual(idsOf(given.slice(0, 2)))
  expect([cut.told, filesIn(folder)]).toEqual([[], []])

  const second = start(folder)
  second.database.failure = away
  second.spool.keep(rows(given))
  await second.spool.close()
  appendFileSync(join(folder, filesIn(folder)[0] ?? ''), '\0\0\0\n{"id":1}\n')
  const damaged = start(folder)
  await damaged.spool.drained()
  expect(damaged.stored).toEqual(idsOf(given))
  const [left = ''] = filesIn(folder)
  expect(left).toMatch(/\.jsonl\.damaged$/)
  expect(damaged.told).toMatchObject([{ message: expect.stringContaining(left) }])
})

test('a record that the database refuses goes to onError whole, and takes no other with it', async () => {
  const { spool, stored, told, database } = start(newFolder())
  const given = records(3)
  database.refuses = given[1]?.id ?? ''
  spool.keep(rows(given))
  await spool.drained()
  expect(stored).toEqual([given[0]?.id, given[2]?.id])
  expect(told).toMatchObject([{ records: [given[1]] }])
})

test('a folder that cannot be made is told, once for many, and nothing counts as kept', () => {
  const folder = newFolder()
  mkdirSync(join(folder, '../..'), { recursive: true })
  writeFileSync(join(folder, '..'), 'a file')
  const { spool, told } = start(folder)
  expect(spool.keep(rows(records(1)))).toBe(false)
  expect(spool.keep(rows(records(1)))).toBe(false)
  expect(spool.waiting).toBe(0)
  expect(told).toMatchObject([{ code: 'outbox', message: expect.stringMatching(/spoolFolder/) }])
})

test('a failure that does not pass by itself is told at once, with where usage is', async () => {
  const { spool, told, database } = start(newFolder())
  database.failure = new Error('no such database')
  spool.keep(rows(records(2)))
  await spool.tried()
  expect(told).toMatchObject([{ message: expect.stringMatching(/no such database.*2 records/) }])
  await spool.tried()
  expect(told).toHaveLength(1)
})
