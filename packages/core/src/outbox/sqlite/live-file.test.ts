import {
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import type { OutboxFault } from '../faults.ts'
import { sqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.ts'

function start(options: SqliteOutboxOptions & { readonly file?: string } = {}) {
  const { file = join(temporaryFolder(), 'folder', 'usage.db'), ...rest } = options
  const outbox = sqliteOutbox(file, rest)
  const faults: OutboxFault[] = []
  outbox.onFault?.((error) => faults.push(error))
  const append = () => {
    const record = exampleRecord()
    void outbox.append([record])
    return record.id
  }
  return { file, outbox, faults, append }
}

/** Until an append looks at the file again by itself. A timer alone comes early after a long turn. */
async function untilItLooks(): Promise<void> {
  const end = performance.now() + 120
  while (performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
}

/** What somebody else finds in the file at the path. */
function idsIn(file: string): unknown[] {
  const database = new DatabaseSync(file)
  const rows = database.prepare('SELECT id FROM records ORDER BY seq').all()
  database.close()
  return rows.map(({ id }) => id)
}

const remove = (file: string) => {
  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
}

// Elsewhere an open file can be neither deleted nor replaced.
const posix = test.skipIf(process.platform === 'win32')

posix.each(['process', 'group', 'full'] as const)(
  'usage is kept in a new file when the old one was deleted (%s)',
  async (durability) => {
    const { file, outbox, faults, append } = start({ durability })
    append()
    await outbox.position()
    remove(file)
    const after = [append(), append()]
    expect(await outbox.recorded()).toBe(2)
    expect(idsIn(file)).toEqual(after)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(faults).toMatchObject([
      { code: 'outbox', message: expect.stringMatching(/deleted or replaced while it was open/) },
    ])
    await outbox.close()
    expect(idsIn(file)).toEqual(after)
  },
)

posix.each(['claim', 'stats', 'position', 'find'] as const)('%s notices it too', async (name) => {
  const { file, outbox, faults, append } = start()
  append()
  await outbox.position()
  remove(file)
  await {
    claim: () => outbox.claim('alpha', { limit: 1, leaseMs: 1000 }),
    stats: () => outbox.stats('alpha'),
    position: () => outbox.position(),
    find: () => outbox.find('any'),
  }[name]()
  expect(faults).toHaveLength(1)
  expect(await outbox.recorded()).toBe(0)
  expect(faults).toHaveLength(1)
  await outbox.close()
})

posix('a file that was put in its place is used, and what it has is delivered', async () => {
  const { file, outbox, faults, append } = start()
  const first = append()
  await outbox.position()
  const other = start()
  await untilItLooks()
  const second = other.append()
  await other.outbox.close()
  renameSync(other.file, file)
  const third = append()
  const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  expect(batch?.entries.map(({ record }) => record.id)).toEqual([second, third])
  expect(outbox.find(first)).toBeUndefined()
  expect(faults).toHaveLength(1)
  await outbox.close()
  expect(idsIn(file)).toEqual([second, third])
})

posix.each(['claim', 'close', 'nothing more'] as const)(
  'what was written just before anybody looked is written again (%s)',
  async (then) => {
    const { file, outbox, faults, append } = start()
    await outbox.position()
    const before = append()
    remove(file)
    const after = append()
    if (then === 'claim') await outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
    if (then === 'close') await outbox.close()
    await expect.poll(() => existsSync(file) && idsIn(file).length).toBe(2)
    expect(idsIn(file)).toEqual([before, after])
    expect(faults).toHaveLength(1)
    await outbox.close()
  },
)

posix('a file that was moved away takes with it what was still in its log', async () => {
  const { file, outbox, append } = start()
  const before = append()
  await outbox.position()
  renameSync(file, `${file}.old`)
  await untilItLooks()
  const after = append()
  await outbox.close()
  expect(idsIn(`${file}.old`)).toEqual([before])
  expect(idsIn(file)).toEqual([after])
})

posix('leaving the old file does not touch the log of the new one', async () => {
  const { file, outbox, append } = start()
  append()
  await outbox.position()
  remove(file)
  // Another process is first, and everything it has is still in its log.
  const other = start({ file })
  const theirs = other.append()
  await untilItLooks()
  const ours = append()
  expect(await other.outbox.recorded()).toBe(2)
  await outbox.close()
  expect(existsSync(`${file}-wal`)).toBe(true)
  const more = other.append()
  await other.outbox.close()
  expect(idsIn(file)).toEqual([theirs, ours, more])
})

posix('a log that was deleted alone loses nothing', async () => {
  const { file, outbox, faults, append } = start()
  const before = [append(), append()]
  rmSync(`${file}-wal`)
  expect(await outbox.recorded()).toBe(2)
  const after = append()
  expect(faults).toHaveLength(1)
  await outbox.close()
  expect(idsIn(file)).toEqual([...before, after])
})

posix('a folder that was deleted is made again', async () => {
  const { file, outbox, faults, append } = start()
  append()
  await outbox.position()
  rmSync(dirname(file), { recursive: true })
  await untilItLooks()
  const after = append()
  expect(idsIn(file)).toEqual([after])
  expect(faults).toHaveLength(1)
  await outbox.close()
})

posix(
  'where none can be made, appends fail with their records, and go on when one can',
  async () => {
    const { file, outbox, faults, append } = start()
    append()
    await outbox.position()
    rmSync(dirname(file), { recursive: true })
    writeFileSync(dirname(file), 'in the way')
    await untilItLooks()
    for (let time = 0; time < 2; time++) {
      const records = [exampleRecord()]
      expect(() => outbox.append(records)).toThrow(
        expect.objectContaining({
          code: 'outbox',
          records,
          message: expect.stringContaining(file),
        }),
      )
      expect(() => outbox.stats('alpha')).toThrow(expect.objectContaining({ code: 'outbox' }))
    }
    rmSync(dirname(file))
    const after = append()
    expect(idsIn(file)).toEqual([after])
    expect(faults).toHaveLength(1)
    await outbox.close()
  },
)

posix('what waits for a lock is written to the new file', async () => {
  const { file, outbox, faults } = start({ busyTimeoutMs: 5 })
  outbox.append([])
  const other = new DatabaseSync(file)
  other.exec('BEGIN IMMEDIATE')
  const record = exampleRecord()
  const storing = outbox.append([record])
  expect(storing).toBeInstanceOf(Promise)
  remove(file)
  await storing
  other.close()
  expect(idsIn(file)).toEqual([record.id])
  expect(faults).toHaveLength(1)
  await outbox.close()
})

posix('a new file that another process has locked is waited for like any', async () => {
  const { file, outbox, append } = start({ busyTimeoutMs: 5 })
  append()
  await outbox.position()
  remove(file)
  sqliteOutbox(file).close()
  const other = new DatabaseSync(file)
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  const record = exampleRecord()
  await untilItLooks()
  const storing = outbox.append([record])
  expect(storing).toBeInstanceOf(Promise)
  other.exec('ROLLBACK')
  other.close()
  await storing
  expect(idsIn(file)).toEqual([record.id])
  await outbox.close()
})

posix('a symbolic link is followed, to a file that is there or is made', async () => {
  const folder = temporaryFolder()
  const link = join(folder, 'usage.db')
  symlinkSync(join('data', 'real.db'), link)
  const { outbox, faults, append } = start({ file: link })
  const ids = [append()]
  const real = join(folder, 'data', 'real.db')
  expect(lstatSync(link).isSymbolicLink()).toBe(true)
  for (const name of [real, `${real}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600)
  const again = start({ file: link })
  ids.push(again.append())
  await again.outbox.close()
  expect(await outbox.recorded()).toBe(2)
  expect(faults).toEqual([])
  // Another release: the link points elsewhere.
  mkdirSync(join(folder, 'next'))
  rmSync(link)
  symlinkSync(join(folder, 'next', 'usage.db'), link)
  await untilItLooks()
  const later = append()
  expect(faults).toHaveLength(1)
  await outbox.close()
  expect(idsIn(real)).toEqual(ids)
  expect(idsIn(link)).toEqual([later])
})

test('a relative path stays where it was when the process changes its folder', async () => {
  const folder = temporaryFolder()
  const before = process.cwd()
  // Workers cannot change theirs.
  const moved = [folder, join(folder, 'elsewhere')] as const
  mkdirSync(moved[1])
  try {
    process.chdir(moved[0])
  } catch {
    return
  }
  try {
    const { outbox, faults, append } = start({ file: 'usage.db' })
    const ids = [append()]
    process.chdir(moved[1])
    ids.push(append())
    expect(faults).toEqual([])
    await outbox.close()
    expect(idsIn(join(folder, 'usage.db'))).toEqual(ids)
    expect(outbox.description).toBe('sqlite usage.db')
  } finally {
    process.chdir(before)
  }
})
