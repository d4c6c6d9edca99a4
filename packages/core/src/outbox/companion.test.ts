import { renameSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AppendedRecords, CompanionStore } from './companion.ts'
import { memoryOutbox } from './memory/memory-outbox.ts'
import type { Outbox } from './outbox.ts'
import { sqliteOutbox } from './sqlite/sqlite-outbox.ts'

const idsOf = (appends: readonly AppendedRecords[]) =>
  appends.map(({ records, holdIds }) => [records.map(({ id }) => id), holdIds])

describe.each([
  ['memory', () => memoryOutbox()],
  ['sqlite', () => sqliteOutbox(temporaryFile())],
  ['sqlite in groups', () => sqliteOutbox(temporaryFile(), { durability: 'group', groupMs: 1 })],
] as const)('a companion in %s', (_, open: () => Outbox) => {
  function start(appended: (appends: readonly AppendedRecords[]) => void) {
    const outbox = open()
    onTestFinished(() => void outbox.close())
    const store = outbox.store as CompanionStore
    store.attach(() => ({ appended }))
    return { outbox }
  }

  test('is told of what is kept, with the holds of each append, and of nothing twice', async () => {
    const told: unknown[] = []
    const { outbox } = start((appends) => told.push(...idsOf(appends)))
    await outbox.append([exampleRecord({ id: 'a' })], { holdIds: ['h1'] })
    await outbox.append([exampleRecord({ id: 'a' }), exampleRecord({ id: 'b' })])
    await outbox.recorded()
    await outbox.position()
    expect(told).toEqual([
      [['a'], ['h1']],
      [['b'], []],
    ])
  })

  test('that fails costs no record, and is told', async () => {
    const { outbox } = start(() => {
      throw new Error('no room')
    })
    const faults: unknown[] = []
    outbox.onFault?.((error) => faults.push(error))
    await outbox.append([exampleRecord({ id: 'a' })])
    expect(await outbox.find('a')).toBeDefined()
    expect(faults).toMatchObject([{ code: 'outbox', cause: { message: 'no room' } }])
  })
})

test('what a companion wrote before it failed is undone, and the records stay', () => {
  const outbox = sqliteOutbox(temporaryFile())
  onTestFinished(() => void outbox.close())
  const rows = (database: DatabaseSync) => database.prepare('SELECT * FROM beside').all()
  const attached = (outbox.store as CompanionStore<DatabaseSync>).attach((database) => {
    database.exec('CREATE TABLE IF NOT EXISTS beside (id TEXT)')
    return {
      database,
      appended([first]) {
        const id = first?.records[0]?.id ?? ''
        database.prepare('INSERT INTO beside VALUES (?)').run(id)
        if (id === 'b') throw new Error('no')
      },
    }
  })
  outbox.onFault?.(() => {})
  for (const id of ['a', 'b', 'c']) void outbox.append([exampleRecord({ id })])
  expect(attached.read(({ database }) => rows(database))).toEqual([{ id: 'a' }, { id: 'c' }])
  expect(outbox.recorded()).toBe(3)
})

test('a file that takes the place of another gets its companions', () => {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path)
  onTestFinished(() => void outbox.close())
  outbox.onFault?.(() => {})
  let made = 0
  const attached = (outbox.store as CompanionStore<DatabaseSync>).attach((database) => {
    made++
    database.exec('CREATE TABLE beside (id TEXT)')
    return { appended: () => void database.exec("INSERT INTO beside VALUES ('one')"), database }
  })
  void outbox.append([exampleRecord({ id: 'a' })])
  renameSync(path, `${path}.old`)
  outbox.stats('any')
  void outbox.append([exampleRecord({ id: 'b' })])
  expect(made).toBe(2)
  const count = 'SELECT count(*) AS count FROM beside'
  // The record of the last moments is written again, to the new file.
  expect(attached.read(({ database }) => database.prepare(count).get())).toEqual({ count: 2 })
})
