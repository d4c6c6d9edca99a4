import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { openLeaseMs } from '../open-usage.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const minute = 60_000
const startMs = Date.parse('2026-11-20T10:00:00Z')

/** Usage that is open in a file, by a process of this machine that is there, or of another one. */
async function opened(of: 'this machine' | 'another machine') {
  const file = join(temporaryFolder(), 'usage.db')
  const clock = { nowMs: startMs }
  const now = () => clock.nowMs
  const outbox = sqliteOutbox(file, { now })
  onTestFinished(() => outbox.close())
  const waiting = exampleRecord({ at: startMs })
  outbox.append([waiting])
  const record = exampleRecord({ at: startMs, outcome: 'partial' })
  await outbox.open?.([record])
  if (of === 'another machine') {
    const database = new DatabaseSync(file)
    database.exec(`UPDATE open_usage SET owner = '["elsewhere",7,"1","x"]'`)
    database.close()
  }
  return { file, clock, now, outbox, record, waiting }
}

const claimed = async (outbox: ReturnType<typeof sqliteOutbox>) =>
  (await outbox.claim('alpha', { limit: 10, leaseMs: minute }))?.entries ?? []

test('what a process of another machine has open is taken over when it was not heard of for long', async () => {
  const { file, clock, now, record } = await opened('another machine')
  const other = sqliteOutbox(file, { now })
  onTestFinished(() => other.close())
  clock.nowMs += openLeaseMs - 1000
  other.prepare?.()
  expect(other.find(record.id)).toBe(undefined)
  clock.nowMs += 2000
  other.prepare?.()
  expect(other.find(record.id)).toEqual(record)
})

test('what is opened again is heard of again', async () => {
  const { file, clock, outbox, record } = await opened('this machine')
  const seenAt = () => {
    const database = new DatabaseSync(file)
    const row = database.prepare('SELECT seen_at AS at FROM open_usage WHERE id = ?').get(record.id)
    database.close()
    return row?.['at']
  }
  expect(seenAt()).toBe(startMs)
  clock.nowMs += minute
  await outbox.open?.([record])
  expect(seenAt()).toBe(startMs + minute)
})

test('in a copy what was open is as uncertain as what waits', async () => {
  const { file, clock, now, record, waiting } = await opened('another machine')
  const copy = join(temporaryFolder(), 'copy.db')
  copyFileSync(file, copy)
  copyFileSync(`${file}-wal`, `${copy}-wal`)
  clock.nowMs += 4 * minute
  const restored = sqliteOutbox(copy, { now })
  onTestFinished(() => restored.close())
  const entries = await claimed(restored)
  expect(entries.map((entry) => entry.record.id)).toEqual([waiting.id, record.id])
  for (const { uncertainSince } of entries) expect(uncertainSince).toBe(startMs)
})

test('so it is where somebody says that it is a copy', async () => {
  const { file, now, record, waiting } = await opened('another machine')
  const restored = sqliteOutbox(file, { now })
  onTestFinished(() => restored.close())
  expect(await restored.distrust(startMs - 5)).toBe(2)
  const entries = await claimed(restored)
  expect(entries.map((entry) => entry.record.id)).toEqual([waiting.id, record.id])
  for (const { uncertainSince } of entries) expect(uncertainSince).toBe(startMs - 5)
})

test.each(['process', 'group'] as const)(
  'with a record goes what was open of it, and what it ends: %s',
  async (durability) => {
    const file = join(temporaryFolder(), 'usage.db')
    const outbox = sqliteOutbox(file, { durability })
    onTestFinished(() => outbox.close())
    const [record, other, left] = [exampleRecord(), exampleRecord(), exampleRecord()]
    await outbox.open?.([record, other, left])
    await outbox.append([record], { ends: [other.id] })
    await outbox.position()
    const database = new DatabaseSync(file)
    const rows = database.prepare('SELECT id FROM open_usage').all()
    database.close()
    expect(rows).toEqual([{ id: left.id }])
  },
)
