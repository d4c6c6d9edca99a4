import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { spawnOutboxChild } from '../../../test/outbox/spawn-outbox-child.ts'
import { makeFile } from '../../../test/outbox/make-file.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import type { OutboxFault } from '../faults.ts'
import { sqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.ts'

/** An outbox whose group waits for ever but for what the test does, and a look at the file. */
function start(options: SqliteOutboxOptions = {}) {
  const file = join(temporaryFolder(), 'usage.db')
  makeFile(file)
  const outbox = sqliteOutbox(file, { durability: 'group', groupMs: 1000, ...options })
  const faults: OutboxFault[] = []
  outbox.onFault?.((error) => faults.push(error))
  const other = new DatabaseSync(file)
  const written = () =>
    (other.prepare('SELECT count(*) AS count FROM records').get() as { count: number }).count
  return { file, outbox, other, written, faults }
}

const many = (count: number) => Array.from({ length: count }, () => exampleRecord())

test('an append is answered at once, and written with the others of its group', async () => {
  const { outbox, written } = start({ groupMs: 20 })
  for (const record of many(10)) expect(outbox.append([record])).toBeUndefined()
  expect(written()).toBe(0)
  await expect.poll(written).toBe(10)
  await outbox.close()
})

test('a full group does not wait', async () => {
  const { outbox, written } = start()
  for (const record of many(999)) outbox.append([record])
  expect(written()).toBe(0)
  outbox.append(many(1))
  expect(written()).toBe(1000)
  outbox.append(many(2500))
  expect(written()).toBe(3500)
  await outbox.close()
})

test('a group that is due is written by the next append, where no timer gets its turn', async () => {
  const { outbox, written } = start({ groupMs: 5 })
  outbox.append(many(1))
  const began = performance.now()
  while (performance.now() - began < 6);
  outbox.append(many(1))
  expect(written()).toBe(2)
  await outbox.close()
})

test.each(['claim', 'position', 'stats', 'find', 'ledger', 'close'] as const)(
  '%s writes the group first',
  async (operation) => {
    const { outbox, written } = start()
    const [record = exampleRecord()] = many(1)
    outbox.append([record])
    const answer = await {
      claim: () => outbox.claim('alpha', { limit: 10, leaseMs: 1000 }),
      position: () => outbox.position(),
      stats: () => outbox.stats('alpha'),
      find: () => outbox.find(record.id),
      ledger: () => outbox.ledger('alpha'),
      close: () => outbox.close(),
    }[operation]()
    expect(written()).toBe(1)
    if (operation === 'position') expect(answer).toBe(1)
    else if (operation !== 'close') expect(answer).toMatchObject({})
    if (operation === 'find') expect(answer).toEqual(record)
    await outbox.close()
  },
)

test('a record that cannot be written takes no other with it, and is reported whole', async () => {
  const { outbox, written, faults } = start()
  const broken = exampleRecord({ id: null as unknown as string })
  outbox.append(many(2))
  outbox.append([broken])
  outbox.append(many(3))
  await outbox.position()
  expect(written()).toBe(5)
  expect(faults).toMatchObject([{ code: 'outbox', records: [broken] }])
  await outbox.close()
})

test('a fault that nobody listens to yet is told to the first who does', async () => {
  const outbox = sqliteOutbox(join(temporaryFolder(), 'usage.db'), { durability: 'group' })
  const broken = exampleRecord({ id: null as unknown as string })
  outbox.append([broken])
  await outbox.position()
  const faults: OutboxFault[] = []
  const stop = outbox.onFault?.((error) => faults.push(error))
  expect(faults).toMatchObject([{ records: [broken] }])
  stop?.()
  outbox.append([broken])
  await outbox.position()
  expect(faults).toHaveLength(1)
  await outbox.close()
})

test('while the file is locked, the group waits, in order, and reading is not held up', async () => {
  const { outbox, other, written, faults } = start({ groupMs: 5, busyTimeoutMs: 20 })
  other.exec('BEGIN IMMEDIATE')
  const records = many(20)
  for (const record of records) outbox.append([record])
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(await outbox.recorded()).toBe(0)
  other.exec('ROLLBACK')
  await expect.poll(written).toBe(20)
  const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
  expect(batch?.entries.map(({ record }) => record.id)).toEqual(records.map(({ id }) => id))
  expect(faults).toEqual([])
  await outbox.close()
})

test('what a closing outbox could not write is reported, and no more waits than memory is for', async () => {
  const { outbox, other, faults } = start({ groupMs: 0, busyTimeoutMs: 1 })
  other.exec('BEGIN IMMEDIATE')
  const records = many(10_000)
  outbox.append(records)
  const [one] = many(1)
  expect(() => outbox.append(one ? [one] : [])).toThrow(
    expect.objectContaining({ code: 'outbox', records: [one] }),
  )
  await outbox.close()
  expect(faults).toMatchObject([{ code: 'outbox', message: expect.stringContaining('locked') }])
  expect(faults[0]?.records).toEqual(records)
})

test('a record is kept as it was when it came', async () => {
  const { outbox } = start()
  const raw = { prompt_tokens: 1 }
  const record = exampleRecord({ raw })
  outbox.append([record])
  raw.prompt_tokens = 2
  expect(await outbox.find(record.id)).toMatchObject({ raw: { prompt_tokens: 1 } })
  await outbox.close()
})

test.each(['end', 'exit', 'throw'])(
  'a process that %ss with a group writes it first',
  async (how) => {
    const file = join(temporaryFolder(), 'usage.db')
    const child = spawnOutboxChild(`group-and-${how}`, file, 40)
    expect(await child.ended).toBe({ end: 0, exit: 7, throw: 1 }[how])
    const outbox = sqliteOutbox(file)
    expect(await outbox.recorded()).toBe(40)
    await outbox.close()
  },
)

test('a killed process loses the last group at the most', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const child = spawnOutboxChild('group-for-ever', file)
  await child.said(200)
  child.kill()
  await child.ended
  // Each line: the id, and when it was appended.
  const appended = child.lines.map((line) => line.split(' '))
  const killedAt = Number(appended.at(-1)?.[1])
  const outbox = sqliteOutbox(file)
  for (const [id = '', at] of appended) {
    // Twice its time for a machine that is busy with other tests.
    if (Number(at) < killedAt - 10) expect(outbox.find(id)).toBeDefined()
  }
  await outbox.close()
})

test('listeners of the process go with the last outbox', async () => {
  const count = () => process.listenerCount('exit') + process.listenerCount('beforeExit')
  const before = count()
  const outboxes = [start(), start(), start()]
  expect(count()).toBe(before + 2)
  for (const { outbox } of outboxes) await outbox.close()
  expect(count()).toBe(before)
})

test.each([
  { durability: 'fast' as never },
  { groupMs: -1 },
  { groupMs: Number.NaN },
  { groupMs: 60_000 },
])('options that are none are refused: %j', (options) => {
  expect(() => sqliteOutbox(join(temporaryFolder(), 'usage.db'), options)).toThrow(
    expect.objectContaining({ code: 'config' }),
  )
})
