import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import { afterEach, expect, test, vi } from 'vitest'
import { makeFile } from '../../../test/outbox/make-file.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const posix = test.skipIf(process.platform === 'win32')
const newFile = () => join(temporaryFolder(), '.token-meter', 'usage.db')
afterEach(() => vi.unstubAllEnvs())

test('no file is made until something is kept, whatever is asked', async () => {
  const file = newFile()
  const outbox = sqliteOutbox(file)
  expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toBeUndefined()
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 0, pending: 0 })
  expect(await outbox.isSettled('alpha', await outbox.position())).toBe(true)
  expect(await outbox.nextDueAt('alpha')).toBeUndefined()
  expect(await outbox.ledger('alpha')).toEqual({ entries: [] })
  expect(await outbox.prune(Date.now())).toBe(0)
  expect(await outbox.sinks()).toMatchObject([{ name: 'alpha' }])
  expect(await outbox.distrust()).toBe(0)
  expect(readdirSync(join(file, '../..'))).toEqual([])
  await outbox.append([exampleRecord({ id: 'r1' })])
  expect(existsSync(file)).toBe(true)
  expect(await outbox.sinks()).toMatchObject([{ name: 'alpha' }])
  expect((await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))?.entries).toHaveLength(1)
  await outbox.close()
})

test('a sink that came before there was a file keeps its records from being pruned', async () => {
  const outbox = sqliteOutbox(newFile())
  await outbox.claim('slow', { limit: 10, leaseMs: 1000 })
  await outbox.append([exampleRecord({ id: 'r1', at: 1 })])
  const batch = (await outbox.claim('quick', { limit: 10, leaseMs: 1000 }))!
  await outbox.settle(batch, [{ status: 'accepted' }])
  expect(await outbox.prune(Date.now())).toBe(0)
  await outbox.removeSink('slow')
  expect(await outbox.prune(Date.now())).toBe(1)
  await outbox.close()
})

test('a file that another process makes meanwhile is read', async () => {
  const file = newFile()
  const outbox = sqliteOutbox(file)
  expect(await outbox.recorded()).toBe(0)
  const other = sqliteOutbox(file)
  await other.append([exampleRecord()])
  expect(await outbox.recorded()).toBe(1)
  await Promise.all([outbox.close(), other.close()])
})

test('beside a file that cannot be opened or made, nothing is written', async () => {
  const folder = temporaryFolder()
  const damaged = join(folder, 'usage.db')
  writeFileSync(damaged, 'no database '.repeat(1000))
  expect(() => sqliteOutbox(damaged)).toThrow(/not a SQLite database/)
  expect(() => sqliteOutbox(join(damaged, 'usage.db'))).toThrow(/Cannot open the outbox/)
  expect(readdirSync(folder)).toEqual(['usage.db'])
})

test('while next build looks at an application, nothing is looked at, made or refused', async () => {
  vi.stubEnv('NEXT_PHASE', 'phase-production-build')
  const file = newFile()
  const outbox = sqliteOutbox(file)
  expect(await outbox.recorded()).toBe(0)
  expect(existsSync(file)).toBe(false)
  const damaged = join(temporaryFolder(), 'usage.db')
  writeFileSync(damaged, 'x'.repeat(5000))
  await sqliteOutbox(damaged).close()
  // What is kept all the same, by a page that is rendered now, is kept.
  await outbox.append([exampleRecord()])
  expect(existsSync(file)).toBe(true)
  await outbox.close()
  vi.unstubAllEnvs()
  expect(() => sqliteOutbox(damaged)).toThrow(/not a SQLite database/)
})

test('the folder of its own keeps itself out of git, and another is left as it is', async () => {
  const file = newFile()
  makeFile(file)
  expect(readFileSync(join(file, '../.gitignore'), 'utf8')).toBe('*\n')
  writeFileSync(join(file, '../.gitignore'), '!usage.db\n')
  makeFile(file)
  expect(readFileSync(join(file, '../.gitignore'), 'utf8')).toBe('!usage.db\n')
  const other = join(temporaryFolder(), 'data', 'usage.db')
  makeFile(other)
  expect(existsSync(join(other, '../.gitignore'))).toBe(false)
})

posix.each([
  [0o666, 0o600],
  [0o644, 0o600],
  [0o600, 0o600],
  [0o660, 0o660],
])('a file of mode %o that is ours has %o then', async (mode, narrowed) => {
  const file = newFile()
  makeFile(file)
  chmodSync(file, mode)
  const outbox = sqliteOutbox(file)
  const faults: unknown[] = []
  outbox.onFault?.((error) => faults.push(error))
  await outbox.append([exampleRecord()])
  const modes = ['', '-wal', '-shm'].map((end) => statSync(file + end).mode & 0o777)
  expect(modes).toEqual([narrowed, narrowed, narrowed])
  expect(faults).toEqual([])
  await outbox.close()
})

posix('a file of another user is used, and told of', async () => {
  const file = newFile()
  makeFile(file)
  const uid = process.getuid!()
  vi.spyOn(process, 'getuid').mockReturnValue(uid + 1)
  const outbox = sqliteOutbox(file)
  vi.restoreAllMocks()
  const faults: string[] = []
  outbox.onFault?.(({ message }) => faults.push(message))
  expect(faults).toEqual([expect.stringContaining(`it belongs to another user (${uid})`)])
  expect(faults[0]).toContain(file)
  await outbox.append([exampleRecord()])
  expect(await outbox.recorded()).toBe(1)
  await outbox.close()
})

test.each(['mysql://user:secret@host/db', 'postgres://user:secret@host/db', 'file:usage.db'])(
  '%s is no path, and makes no folder of that name',
  (url) => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'work'))
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(join(folder, 'work'))
    expect(() => sqliteOutbox(url)).toThrow(/of the kind "\w+:".*postgresOutbox/)
    expect(() => sqliteOutbox(url)).not.toThrow(/secret/)
    cwd.mockRestore()
    expect(existsSync(join(folder, 'work', url.split('/')[0]!))).toBe(false)
  },
)
