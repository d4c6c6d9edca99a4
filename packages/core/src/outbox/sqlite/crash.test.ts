import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import type { Batch } from '../../sink/batch.ts'
import { spawnOutboxChild } from '../../../test/outbox/spawn-outbox-child.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'

test('a process killed after its appends loses none of them', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const child = spawnOutboxChild('append-and-hang', file, 50)
  await child.said('done')
  child.kill()
  expect(await child.ended).toBe('SIGKILL')
  const outbox = sqliteOutbox(file)
  expect(outbox.recorded()).toBe(50)
  const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
  expect(batch?.entries.map(({ record }) => record.id)).toEqual(child.lines.slice(0, 50))
  outbox.close()
})

test.each([1, 40, 250])('killed in the middle of appending, %i lines in', async (lines) => {
  const file = join(temporaryFolder(), 'usage.db')
  const child = spawnOutboxChild('append-for-ever', file)
  await child.said(lines)
  child.kill()
  await child.ended
  const outbox = sqliteOutbox(file)
  for (const id of child.lines) expect(outbox.find(id)).toMatchObject({ id })
  // One append may have been done and not said.
  expect(await outbox.recorded()).toBeLessThanOrEqual(child.lines.length + 1)
  outbox.append([exampleRecord()])
  expect(await outbox.stats('alpha')).toMatchObject({ pending: await outbox.recorded() })
  outbox.close()
})

test('a process killed between claim and settle leaves a batch that comes again whole, at once', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  const records = [exampleRecord(), exampleRecord(), exampleRecord(), exampleRecord()]
  outbox.append(records)
  const child = spawnOutboxChild('claim-and-hang', file, 3, 60_000)
  await child.said(1)
  const lost = JSON.parse(child.lines[0] ?? '') as Batch
  expect(lost.entries.map(({ record }) => record)).toEqual(records.slice(0, 3))
  // Its holder lives: the batch is not given to another.
  expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toMatchObject({
    entries: [{ record: records[3] }],
  })
  expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })).toBeUndefined()
  outbox.close()

  child.kill()
  await child.ended
  const next = sqliteOutbox(file)
  const again = await next.claim('alpha', { limit: 10, leaseMs: 1000 })
  expect(again?.id).toBe(lost.id)
  expect(again?.entries.map(({ record }) => record)).toEqual(records.slice(0, 3))
  expect(again?.entries.map(({ attempts }) => attempts)).toEqual([1, 1, 1])
  // Killed between its send and its settle for all that is known.
  const { firstAttemptAt } = again?.entries[0] ?? {}
  expect(firstAttemptAt).toBeGreaterThan(0)
  for (const { uncertainSince } of again?.entries ?? []) expect(uncertainSince).toBe(firstAttemptAt)
  expect(again?.lease).not.toBe(lost.lease)
  expect(await next.settle(lost, [])).toBe(false)
  next.close()
})

test('a lease of another machine, or of a process with the same id, is told apart', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const first = sqliteOutbox(file)
  first.append([exampleRecord()])
  const claimed = await first.claim('alpha', { limit: 10, leaseMs: 60_000 })
  const database = new DatabaseSync(file)
  const holder = JSON.parse(claimed?.lease ?? '') as unknown[]
  const setHolder = (index: number, value: unknown) => {
    const lease = JSON.stringify(holder.with(index, value))
    database.prepare('UPDATE batches SET lease = ?').run(lease)
  }

  setHolder(0, 'another machine')
  const second = sqliteOutbox(file)
  expect(await second.claim('alpha', { limit: 10, leaseMs: 1000 })).toBeUndefined()
  // A restarted container often has the process id of the one before it.
  setHolder(2, 'the process before')
  const third = sqliteOutbox(file)
  expect((await third.claim('alpha', { limit: 10, leaseMs: 1000 }))?.id).toBe(claimed?.id)
  for (const open of [first, second, third, database]) void open.close()
})

test('a process killed in the middle of claims and settles leaves counters that sum', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  for (let count = 0; count < 300; count++) outbox.append([exampleRecord()])
  let delivered = new Set<string>()
  for (const lines of [3, 30, 60]) {
    const child = spawnOutboxChild('claim-and-settle-for-ever', file)
    await child.said(lines)
    child.kill()
    await child.ended
    expect(child.lines.filter((id) => delivered.has(id))).toEqual([])
    delivered = new Set([...delivered, ...child.lines])
  }
  const stats = await outbox.stats('alpha')
  // Each of the three may have settled a batch and not said so, or only said half of it.
  expect(stats.delivered - delivered.size).toBeLessThanOrEqual(9)
  expect(stats.delivered).toBeGreaterThanOrEqual(delivered.size)
  let left = 0
  await expect
    .poll(async () => {
      const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 60_000 })
      left += batch?.entries.length ?? 0
      return left
    })
    .toBe(300 - stats.delivered)
  expect(stats.pending).toBe(left)
  outbox.close()
})
