import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { spawnOutboxChild } from '../../../test/outbox/spawn-outbox-child.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import type { Outbox } from '../outbox.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const hour = 60 * 60_000
const startMs = Date.parse('2026-11-20T10:00:00Z')
const accepted = { status: 'accepted' } as const
const retry = { status: 'retry', reason: 'busy' } as const

/** When the file of `waitingFile` was in use. */
const isOfOriginal = (time: number) => time >= startMs && time <= startMs + 10 * 60_000

/** Opens a file at a time of the test's. */
function open(file: string, nowMs = startMs) {
  const clock = { nowMs }
  const outbox = sqliteOutbox(file, { now: () => clock.nowMs })
  const faults: Error[] = []
  outbox.onFault?.((error) => faults.push(error))
  const add = (count: number) => {
    const records = Array.from({ length: count }, () => exampleRecord())
    for (const record of records) void outbox.append([record])
    return records.map(({ id }) => id)
  }
  return { outbox, faults, add, clock }
}

/** Everything that can be claimed, and since when it is uncertain. */
async function sinceById(outbox: Outbox): Promise<Record<string, number | undefined>> {
  const found: Record<string, number | undefined> = {}
  for (
    let batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 });
    batch !== undefined;
  ) {
    for (const { record, uncertainSince } of batch.entries) found[record.id] = uncertainSince
    await outbox.settle(
      batch,
      batch.entries.map(() => accepted),
    )
    batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
  }
  return found
}

/** A closed file with three records that wait, last used ten minutes after its start. */
function waitingFile(file = join(temporaryFolder(), 'usage.db')) {
  const { outbox, add, clock } = open(file)
  const ids = add(3)
  clock.nowMs += 10 * 60_000
  outbox.close()
  return { file, ids, usedAt: clock.nowMs }
}

const backupOf = (file: string) => {
  const kept = join(temporaryFolder(), 'backup.db')
  copyFileSync(file, kept)
  return kept
}
const runSql = (file: string, sql: string) => {
  const database = new DatabaseSync(file)
  database.exec(sql)
  database.close()
}

/** How a file comes to be a copy, and where that is then. */
const copies: readonly (readonly [string, (file: string) => string | Promise<string>])[] = [
  ['copied to another name', backupOf],
  [
    'backed up by VACUUM INTO',
    (file) => {
      const kept = join(temporaryFolder(), 'backup.db')
      runSql(file, `VACUUM INTO '${kept}'`)
      return kept
    },
  ],
  [
    "backed up by SQLite's online backup",
    async (file) => {
      const kept = join(temporaryFolder(), 'backup.db')
      const database = new DatabaseSync(file)
      await backup(database, kept)
      database.close()
      return kept
    },
  ],
  [
    'deleted, and put back from a backup at once',
    (file) => {
      const kept = backupOf(file)
      rmSync(file)
      copyFileSync(kept, file)
      return file
    },
  ],
  [
    'replaced by its backup, which is moved there',
    (file) => {
      renameSync(backupOf(file), file)
      return file
    },
  ],
]

test.each(copies)('%s: what waited may have been delivered', async (_, copy) => {
  const { file, ids } = waitingFile()
  const place = await copy(file)
  const { outbox, faults, add } = open(place, startMs + 25 * hour)
  const [later = ''] = add(1)
  expect(faults).toMatchObject([
    {
      code: 'outbox',
      message: expect.stringMatching(/is a copy, or was restored.*2026-11-20T10:.*3 records/),
    },
  ])
  const since = await sinceById(outbox)
  expect(Object.keys(since)).toEqual([...ids, later])
  for (const id of ids) expect(since[id]).toSatisfy(isOfOriginal)
  expect(since[later]).toBeUndefined()
  outbox.close()
  // It is the file now.
  const again = open(place, startMs + 80 * hour)
  again.add(1)
  expect(again.faults).toEqual([])
  expect(Object.values(await sinceById(again.outbox))).toEqual([undefined])
  again.outbox.close()
})

test.skipIf(process.platform === 'win32')(
  'a backup that is copied over the file keeps its inode; the mark beside it shows it',
  async () => {
    const { file, ids } = waitingFile()
    const kept = backupOf(file)
    const went = open(file, startMs + hour)
    expect(Object.values(await sinceById(went.outbox))).toEqual([undefined, undefined, undefined])
    went.outbox.close()
    const { ino } = statSync(file)
    copyFileSync(kept, file)
    expect(statSync(file).ino).toBe(ino)

    const { outbox, faults } = open(file, startMs + 26 * hour)
    expect(faults).toHaveLength(1)
    const since = await sinceById(outbox)
    expect(Object.keys(since)).toEqual(ids)
    for (const time of Object.values(since)) expect(time).toBeLessThanOrEqual(startMs + hour)
    outbox.close()
    const again = open(file, startMs + 27 * hour)
    expect(again.faults).toEqual([])
    again.outbox.close()
  },
)

test('a copy of a file in use, with its log, while its process goes on', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const child = spawnOutboxChild('append-for-ever', file)
  await child.said(30)
  const copy = join(temporaryFolder(), 'copy.db')
  copyFileSync(file, copy)
  copyFileSync(`${file}-wal`, `${copy}-wal`)
  const copiedAt = Date.now()
  await child.said(child.lines.length + 30)
  const { outbox } = open(copy, Date.now())
  const since = Object.values(await sinceById(outbox))
  expect(since.length).toBeGreaterThanOrEqual(30)
  for (const time of since) expect(time).toBeLessThanOrEqual(copiedAt)
  // The original is none, whatever is done with copies of it.
  child.kill()
  await child.ended
  outbox.close()
  const original = open(file, Date.now() + 25 * hour)
  expect(new Set(Object.values(await sinceById(original.outbox)))).toEqual(new Set([undefined]))
  expect(original.faults).toEqual([])
  original.outbox.close()
})

test('batches of a copy: those that wait since the last use, those under way since their claim', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const { outbox, add, clock } = open(file)
  const [retried = ''] = add(1)
  const first = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  if (first !== undefined) await outbox.settle(first, [{ ...retry, afterMs: 3_600_000 }])
  const [lost = ''] = add(1)
  clock.nowMs += 5000
  await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  const claimedAt = clock.nowMs
  // A dead letter of the original waits for its operator in the copy too.
  add(1)
  const refused = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  if (refused !== undefined) await outbox.settle(refused, [{ status: 'rejected', reason: 'no' }])
  clock.nowMs += 40_000
  const [fresh = ''] = add(1)
  const beta = await outbox.claim('beta', { limit: 1, leaseMs: 1000 })
  expect(beta?.entries).toHaveLength(1)
  const usedAt = clock.nowMs
  outbox.close()

  const copy = open(backupOf(file), startMs + 25 * hour)
  expect(copy.faults[0]?.message).toMatch(/4 records/)
  const since = await sinceById(copy.outbox)
  expect(since).toEqual({ [retried]: usedAt, [lost]: claimedAt, [fresh]: usedAt })
  expect(copy.outbox.requeue('alpha')).toBe(1)
  expect(Object.values(await sinceById(copy.outbox))).toEqual([undefined])
  copy.outbox.close()
})

/** What leaves a file the one that it was, and where that is then. */
const same: readonly (readonly [string, (file: string) => string])[] = [
  ['left alone over a weekend', (file) => file],
  [
    'moved',
    (file) => {
      const place = join(dirname(file), 'elsewhere', 'other.db')
      mkdirSync(dirname(place))
      renameSync(file, place)
      return place
    },
  ],
  [
    'reached by a symbolic link',
    (file) => {
      symlinkSync(file, `${file}.link`)
      return `${file}.link`
    },
  ],
  [
    'reached by a hard link',
    (file) => {
      linkSync(file, `${file}.hard`)
      return `${file}.hard`
    },
  ],
  [
    'vacuumed',
    (file) => {
      runSql(file, 'VACUUM')
      return file
    },
  ],
  [
    'touched, and with another mode',
    (file) => {
      utimesSync(file, new Date(), new Date())
      chmodSync(file, 0o660)
      return file
    },
  ],
  [
    'without the mark beside it',
    (file) => {
      expect(existsSync(`${file}-beat`)).toBe(true)
      rmSync(`${file}-beat`)
      return file
    },
  ],
  [
    'copied, and the copy used',
    (file) => {
      const copy = open(backupOf(file), startMs + hour)
      copy.add(2)
      copy.outbox.close()
      return file
    },
  ],
]

test.each(same)('%s: nothing is uncertain, whatever time has passed', async (_, treat) => {
  const { file, ids } = waitingFile()
  const place = treat(file)
  const { outbox, faults } = open(place, startMs + 70 * hour)
  const since = await sinceById(outbox)
  expect(Object.keys(since)).toEqual(ids)
  expect(new Set(Object.values(since))).toEqual(new Set([undefined]))
  expect(faults).toEqual([])
  outbox.close()
})

test('a copy in which nothing waits is told of by nobody', async () => {
  const { file } = waitingFile()
  const original = open(file)
  await sinceById(original.outbox)
  original.outbox.close()
  const copy = open(backupOf(file), startMs + 25 * hour)
  expect(copy.faults).toEqual([])
  expect(copy.outbox.stats('alpha')).toMatchObject({ pending: 0, delivered: 3 })
  copy.add(1)
  expect(Object.values(await sinceById(copy.outbox))).toEqual([undefined])
  copy.outbox.close()
})

test('a copy that replaces the file while it is open is noticed too', async () => {
  const { file, ids } = waitingFile()
  const { outbox, faults, clock } = open(file, startMs + hour)
  const kept = backupOf(file)
  clock.nowMs += 24 * hour
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  renameSync(kept, file)
  const since = await sinceById(outbox)
  expect(Object.keys(since)).toEqual(ids)
  for (const time of Object.values(since)) expect(time).toBeLessThanOrEqual(startMs + hour)
  expect(faults.map(({ message }) => message)).toEqual([
    expect.stringMatching(/deleted or replaced/),
    expect.stringMatching(/is a copy/),
  ])
  outbox.close()
})

test('a snapshot put back is distrusted since the last use before it, whoever opened it first', async () => {
  const { file, ids } = waitingFile()
  const first = open(file, startMs + 25 * hour)
  const [later = ''] = first.add(1)
  const second = open(file, startMs + 25 * hour + 1000)
  expect(await second.outbox.distrust()).toBe(4)
  const since = await sinceById(first.outbox)
  for (const id of ids) expect(since[id]).toSatisfy(isOfOriginal)
  expect(since[later]).toBe(startMs + 25 * hour)
  first.outbox.close()
  second.outbox.close()
})

test('an application that only records shows a sign of life soon after an append', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const { outbox, add, clock } = open(file)
  const usedAt = () => {
    const database = new DatabaseSync(file)
    const row = database.prepare('SELECT max(seen_at) AS at FROM sightings').get()
    database.close()
    return row?.['at']
  }
  outbox.append([])
  clock.nowMs += 8 * hour
  add(1)
  expect(usedAt()).toBe(startMs)
  await expect.poll(usedAt).toBe(startMs + 8 * hour)
  outbox.close()
})

test('a file that is locked while it is opened is judged before anything is claimed from it', async () => {
  const copy = backupOf(waitingFile().file)
  const other = new DatabaseSync(copy)
  other.exec('BEGIN IMMEDIATE')
  const { outbox, faults } = open(copy, startMs + 25 * hour)
  expect(faults).toEqual([])
  expect(() => outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toThrow(
    expect.objectContaining({ busy: true }),
  )
  other.exec('ROLLBACK')
  other.close()
  const since = Object.values(await sinceById(outbox))
  expect(since).toHaveLength(3)
  for (const time of since) expect(time).toBeLessThanOrEqual(startMs + 10 * 60_000)
  expect(faults).toHaveLength(1)
  outbox.close()
})
