import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { hurtTables } from '../../../test/outbox/hurt-file.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const pageSize = 4096

/** A file of many pages, checkpointed. */
function full() {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  const records = Array.from({ length: 400 }, () => exampleRecord())
  outbox.append(records)
  outbox.close()
  return { file, ids: records.map(({ id }) => id) }
}

/** The pages of the table of records that hold rows. */
function recordPages(file: string): number[] {
  const database = new DatabaseSync(file)
  const rows = database
    .prepare(`SELECT pageno FROM dbstat WHERE name = 'records' AND pagetype = 'leaf' ORDER BY path`)
    .all()
  database.close()
  return rows.map(({ pageno }) => Number(pageno))
}

const damaged = (action: string) => ({
  code: 'outbox',
  message: expect.stringMatching(
    new RegExp(`Cannot ${action} the outbox .*damaged.*left as it is.*\\.recover`),
  ),
})

test('a damage in the middle is told by what meets it, and the rest can be read and kept', async () => {
  const { file, ids } = full()
  const pages = recordPages(file)
  const hurt = pages[Math.floor(pages.length / 2)] ?? 0
  const content = readFileSync(file)
  content.fill(0xff, (hurt - 1) * pageSize, hurt * pageSize)
  writeFileSync(file, content)

  const outbox = sqliteOutbox(file)
  let readable = 0
  for (const id of ids) {
    try {
      expect(outbox.find(id)).toMatchObject({ id })
      readable++
    } catch (error) {
      expect(error).toMatchObject(damaged('use'))
    }
  }
  expect(readable).toBeGreaterThan(ids.length * 0.9)
  expect(readable).toBeLessThan(ids.length)
  await expect(outbox.ledger('alpha')).rejects.toMatchObject(damaged('use'))
  await expect(outbox.prune(Infinity)).rejects.toMatchObject(damaged('prune'))
  expect(() => outbox.claim('alpha', { limit: 400, leaseMs: 1000 })).toThrow(
    expect.objectContaining(damaged('use')),
  )
  // What comes goes to other pages.
  const more = exampleRecord()
  outbox.append([more])
  expect(outbox.find(more.id)).toEqual(more)
  await outbox.close()
  const after = readFileSync(file)
  const page = (of: Buffer) => of.subarray((hurt - 1) * pageSize, hurt * pageSize)
  expect(page(after).equals(page(content))).toBe(true)
})

test('a log that was cut off or damaged loses its end, and nothing before it', () => {
  for (const hurt of [
    (wal: string) => truncateSync(wal, Math.floor(readFileSync(wal).length / 2)),
    (wal: string) => {
      const content = readFileSync(wal)
      writeFileSync(wal, content.fill(0x55, Math.floor(content.length / 2)))
    },
    (wal: string) => truncateSync(wal, 7),
  ]) {
    const { file, ids } = full()
    const writer = sqliteOutbox(file)
    const later = Array.from({ length: 100 }, () => exampleRecord())
    for (const record of later) writer.append([record])
    const copy = join(temporaryFolder(), 'copy.db')
    writeFileSync(copy, readFileSync(file))
    writeFileSync(`${copy}-wal`, readFileSync(`${file}-wal`))
    hurt(`${copy}-wal`)
    writer.close()

    const outbox = sqliteOutbox(copy)
    for (const id of ids) expect(outbox.find(id)).toBeDefined()
    const there = later.map(({ id }) => outbox.find(id) !== undefined)
    // A beginning of them, without a gap.
    expect(there.slice(there.indexOf(false)).every((one) => !one)).toBe(true)
    expect(there.at(-1)).toBe(false)
    const more = exampleRecord()
    outbox.append([more])
    expect(outbox.stats('alpha')).toMatchObject({ recorded: outbox.position() })
    expect(outbox.find(more.id)).toEqual(more)
    outbox.close()
  }
})

test('a file that was cut off is told, and left as it is', () => {
  const { file } = full()
  truncateSync(file, pageSize * 2.5)
  const content = readFileSync(file)
  let failure: unknown
  try {
    const outbox = sqliteOutbox(file)
    try {
      outbox.append([exampleRecord()])
      outbox.claim('alpha', { limit: 400, leaseMs: 1000 })
    } finally {
      outbox.close()
    }
  } catch (error) {
    failure = error
  }
  expect(failure).toMatchObject(damaged('(open|use|keep usage in)'))
  expect(readFileSync(file).equals(content)).toBe(true)
})

test('moved aside while it is open, a damaged file is followed by a new one', async () => {
  const { file } = full()
  const content = hurtTables(file)
  const outbox = sqliteOutbox(file)
  const record = exampleRecord()
  expect(() => outbox.append([record])).toThrow(
    expect.objectContaining({ ...damaged('keep usage in'), records: [record] }),
  )
  renameSync(file, `${file}.damaged`)
  rmSync(`${file}-wal`, { force: true })
  rmSync(`${file}-shm`, { force: true })
  outbox.append([record])
  expect(outbox.recorded()).toBe(1)
  outbox.close()
  expect(readFileSync(`${file}.damaged`).equals(content)).toBe(true)
})
