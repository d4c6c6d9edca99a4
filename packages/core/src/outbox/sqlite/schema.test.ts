import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { spawnOutboxChild } from '../../../test/outbox/spawn-outbox-child.ts'
import { makeFile } from '../../../test/outbox/make-file.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { fileOfVersion1 } from '../../../test/outbox/file-of-version-1.ts'
import { schemaVersion } from './schema.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const records = Array.from({ length: 6 }, (_, index) => exampleRecord({ id: `r${index}` }))

test('a file of version 1 comes with everything it has', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  fileOfVersion1(file, records)
  const outbox = sqliteOutbox(file, { now: () => 5000 })
  expect(outbox.stats('alpha')).toEqual({
    recorded: 7,
    pending: 3,
    delivered: 1,
    dead: 1,
    unattributed: 1,
    discarded: 1,
    held: 0,
    oldestPendingAt: records[2]?.at,
  })
  expect(outbox.deadLetters('alpha')).toEqual([
    { record: records[1], sink: 'alpha', reason: 'no meter', attempts: 2, failedAt: 3000 },
  ])
  const page = await outbox.ledger('alpha')
  expect(page.entries.map(({ record, state }) => [record.id, state])).toEqual([
    ['r0', 'delivered'],
    ['r1', 'dead'],
    ['r2', 'pending'],
    ['r3', 'pending'],
    ['r4', 'pending'],
    ['r5', 'discarded'],
    ['nobody', 'unattributed'],
  ])
  const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  expect(batch).toMatchObject({
    id: 'batch-1',
    entries: [{ record: records[2], attempts: 1, uncertainSince: 1000, deliveredEventIds: ['x'] }],
  })
  // What is new works on it: the sink that comes later, the correction.
  expect(await outbox.registerSink('late', { sinceMs: Infinity })).toBe(true)
  expect(
    outbox.correct('alpha', ['r0'], {
      state: 'dead',
      reason: 'refused',
      refusedEventIds: ['r0:input'],
    }),
  ).toBe(1)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 7, delivered: 0, dead: 2 })
  outbox.close()
  const database = new DatabaseSync(file)
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: schemaVersion })
  database.close()
})

test('a migrated file and a new one have the same tables', () => {
  const folder = temporaryFolder()
  fileOfVersion1(join(folder, 'old.db'), records)
  const [old, fresh] = ['old.db', 'new.db'].map((name) => {
    makeFile(join(folder, name))
    const database = new DatabaseSync(join(folder, name))
    const schema = database.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    database.close()
    return schema
  })
  const squeezed = (schema: unknown) => JSON.stringify(schema).replaceAll(/\\n|\s+/g, '')
  expect(squeezed(old)).toBe(squeezed(fresh))
})

test('several processes migrate one file at the same moment', async () => {
  const folder = temporaryFolder()
  const files = 25
  for (let file = 0; file < files; file++) fileOfVersion1(join(folder, `${file}.db`), records)
  const at = Date.now() + 700
  const children = [1, 2, 3, 4].map(() => spawnOutboxChild('open-together', folder, at, files))
  await Promise.all(children.map(({ ended }) => ended))
  for (const { lines } of children) expect(lines).toEqual(Array(files).fill('opened'))
  for (let file = 0; file < files; file++) {
    const outbox = sqliteOutbox(join(folder, `${file}.db`))
    expect(outbox.stats('alpha')).toMatchObject({ recorded: 7, pending: 3 })
    outbox.close()
  }
})

test('a process of version 1 that has the file open goes on after the migration', () => {
  const file = join(temporaryFolder(), 'usage.db')
  fileOfVersion1(file, records)
  const old = new DatabaseSync(file)
  const register = old.prepare('INSERT INTO sinks (name, missed) VALUES (?, 0)')
  const keep = old.prepare('INSERT INTO records (id, customer, at, body) VALUES (?, ?, ?, ?)')
  const outbox = sqliteOutbox(file)
  register.run('beta')
  keep.run('r9', 'cus_1', 1, JSON.stringify(exampleRecord({ id: 'r9' })))
  expect(outbox.stats('beta')).toMatchObject({ recorded: 8, pending: 7, unattributed: 1 })
  old.close()
  outbox.close()
})
