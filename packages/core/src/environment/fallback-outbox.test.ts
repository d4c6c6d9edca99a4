import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit/suites'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { makeFile } from '../../test/outbox/make-file.ts'
import { temporaryFolder } from '../../test/outbox/temporary-folder.ts'
import { OutboxError, type TokenMeterError } from '../errors/errors.ts'
import type { Batch } from '../sink/batch.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { sqliteOutbox } from '../outbox/sqlite/sqlite-outbox.ts'
import { type FallbackOptions, FallbackOutbox } from './fallback-outbox.ts'

let reported: TokenMeterError[]
const opened: FallbackOutbox[] = []
beforeEach(() => {
  reported = []
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(async () => {
  vi.useRealTimers()
  for (const outbox of opened.splice(0)) await outbox.close()
})

function start(path: string, more: Partial<FallbackOptions> = {}): FallbackOutbox {
  const outbox = new FallbackOutbox({
    name: path,
    open: () => sqliteOutbox(path),
    report: (error) => reported.push(error),
    ...more,
  })
  opened.push(outbox)
  return outbox
}

/** A file that is no database, and what repairs it. */
function damaged() {
  const path = join(temporaryFolder(), 'usage.db')
  const content = 'no database '.repeat(1000)
  writeFileSync(path, content)
  return {
    path,
    isAsItWas: () => readFileSync(path, 'utf8') === content,
    repair: () => (rmSync(path), makeFile(path)),
  }
}

const keep = (outbox: Outbox, ...ids: string[]) =>
  outbox.append(ids.map((id) => exampleRecord({ id })))
const idsOf = (batch: Batch | undefined) => batch?.entries.map(({ record }) => record.id)
async function again(): Promise<void> {
  await vi.advanceTimersByTimeAsync(120_000)
  // What goes on in turns of the event loop, which are not faked.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}
async function idsIn(path: string): Promise<readonly string[]> {
  const other = sqliteOutbox(path)
  const { entries } = await other.ledger('other')
  await other.close()
  return entries.map(({ record }) => record.id)
}

test('usage is kept in memory, told once an hour, and the damaged file stays as it is', async () => {
  const { path, isAsItWas } = damaged()
  const outbox = start(path)
  expect(outbox).toMatchObject({ durable: false, description: `memory, until ${path} can be used` })
  for (const id of ['a', 'b', 'c']) keep(outbox, id)
  expect(await outbox.recorded()).toBe(3)
  expect(reported.map(({ message }) => message)).toEqual([
    expect.stringMatching(
      /kept in memory and is lost.*not a SQLite database.*TOKEN_METER_OUTBOX.*tried again/,
    ),
  ])
  await vi.advanceTimersByTimeAsync(59 * 60_000)
  expect(reported).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(3 * 60_000)
  expect(reported).toHaveLength(2)
  expect(isAsItWas()).toBe(true)
})

test('when it opens, memory moves in under the same ids, and is counted and sent once', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  keep(outbox, 'a', 'b')
  const mark = await outbox.position()
  repair()
  await again()
  expect(await idsIn(path)).toEqual(['a', 'b'])
  expect(outbox.durable).toBe(true)
  expect(await outbox.recorded()).toBe(2)
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, pending: 2 })
  keep(outbox, 'c')
  expect(await outbox.isSettled('alpha', mark)).toBe(false)
  const batch = (await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))!
  expect(idsOf(batch)).toEqual(['a', 'b', 'c'])
  expect(
    await outbox.settle(
      batch,
      batch.entries.map(() => ({ status: 'accepted' })),
    ),
  ).toBe(true)
  expect(await outbox.isSettled('alpha', mark)).toBe(true)
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 3, delivered: 3, pending: 0 })
})

test('what the outbox has already, of a process killed while it moved, is left out', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  keep(outbox, 'a', 'b')
  repair()
  const other = sqliteOutbox(path)
  keep(other, 'a')
  await other.close()
  await again()
  expect(await idsIn(path)).toEqual(['a', 'b'])
})

test('what a sink may have stays in memory and is settled there; the rest moves', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  keep(outbox, 'delivered', 'uncertain', 'refused', 'unsent', 'sending')
  const first = (await outbox.claim('alpha', { limit: 4, leaseMs: 1000 }))!
  await outbox.settle(first, [
    { status: 'accepted' },
    { status: 'retry', reason: 'reset', uncertain: true },
    { status: 'rejected', reason: 'no' },
    { status: 'retry', reason: 'refused the connection' },
  ])
  const sending = (await outbox.claim('alpha', { limit: 1, leaseMs: 60_000 }))!
  expect(idsOf(sending)).toEqual(['uncertain', 'unsent'])
  await outbox.settle(sending, [
    { status: 'retry', reason: 'reset', uncertain: true },
    { status: 'retry', reason: 'refused the connection' },
  ])
  const last = (await outbox.claim('alpha', { limit: 1, leaseMs: 60_000 }))!
  expect(idsOf(last)).toEqual(['sending'])
  keep(outbox, 'fresh')
  repair()
  await again()
  expect(await idsIn(path)).toEqual(['unsent', 'fresh'])
  const counts = { recorded: 6, delivered: 1, dead: 1, pending: 4 }
  expect(await outbox.stats('alpha')).toMatchObject(counts)
  expect(await outbox.recorded()).toBe(6)
  expect((await outbox.ledger('alpha', { limit: 2 })).next).toBeDefined()
  const seen: string[] = []
  for (let after: number | undefined; ;) {
    const page = await outbox.ledger('alpha', { limit: 2, ...(after !== undefined && { after }) })
    seen.push(...page.entries.map(({ record, state }) => `${record.id} ${state}`))
    if (page.next === undefined) break
    after = page.next
  }
  expect(seen).toEqual([
    'delivered delivered',
    'uncertain pending',
    'refused dead',
    'sending pending',
    'unsent pending',
    'fresh pending',
  ])
  expect(await outbox.settle(last, [{ status: 'accepted' }])).toBe(true)
  const uncertain = (await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))!
  expect(uncertain.entries).toMatchObject([{ record: { id: 'uncertain' } }])
  expect(uncertain.entries[0]?.uncertainSince).toBeDefined()
  await outbox.settle(uncertain, [{ status: 'accepted' }])
  expect(idsOf(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))).toEqual([
    'unsent',
    'fresh',
  ])
  expect((await outbox.deadLetters('alpha')).map(({ record }) => record.id)).toEqual(['refused'])
  expect(await outbox.requeue('alpha')).toBe(1)
})

test('an outbox that fails while it is open is stood in for, until it can be written', async () => {
  const path = join(temporaryFolder(), 'usage.db')
  let isFull = false
  const outbox = start(path, {
    open() {
      const file = sqliteOutbox(path)
      return {
        ...file,
        append(records) {
          if (isFull) throw new OutboxError('the disk is full.', { records })
          return file.append(records)
        },
      }
    },
  })
  keep(outbox, 'a')
  isFull = true
  keep(outbox, 'b')
  keep(outbox, 'c')
  expect(reported).toHaveLength(1)
  expect(await outbox.recorded()).toBe(3)
  expect(await outbox.find('b')).toBeDefined()
  expect(idsOf(await outbox.claim('alpha', { limit: 1, leaseMs: 1000 }))).toEqual(['b'])
  isFull = false
  await again()
  keep(outbox, 'd')
  expect(await idsIn(path)).toEqual(['a', 'c', 'd'])
  expect(reported).toHaveLength(1)
})

test('past its bound a record goes whole to who reports it, and settled ones make room', async () => {
  const outbox = start(damaged().path, { maxRecords: 3 })
  keep(outbox, 'a', 'b', 'c')
  const full = expect.objectContaining({ records: [expect.objectContaining({ id: 'd' })] })
  expect(() => keep(outbox, 'd')).toThrow(full)
  expect(() => keep(outbox, 'd')).toThrow(/it is full: 3 records/)
  const batch = (await outbox.claim('alpha', { limit: 1, leaseMs: 1000 }))!
  await outbox.settle(batch, [{ status: 'accepted' }])
  keep(outbox, 'd')
  expect(await outbox.recorded()).toBe(4)
})

test('a sink that begins with a moment gets nothing of before it, when the outbox opens late', async () => {
  const { path } = damaged()
  const outbox = start(path)
  const begin = Date.now()
  await outbox.registerSink('late', { sinceMs: begin })
  keep(outbox, 'now')
  rmSync(path)
  const other = sqliteOutbox(path)
  other.append([exampleRecord({ id: 'past', at: begin - 60_000 })])
  await other.close()
  await again()
  expect(await outbox.stats('late')).toMatchObject({ recorded: 1, pending: 1 })
  expect(idsOf(await outbox.claim('late', { limit: 10, leaseMs: 1000 }))).toEqual(['now'])
})

test('unattributed usage moves too, and can be attributed on either side', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  outbox.append([
    exampleRecord({ id: 'a', customer: null }),
    exampleRecord({ id: 'b', customer: null }),
  ])
  await outbox.claim('alpha', { limit: 10, leaseMs: 1000 })
  expect(await outbox.attribute(['a'], 'cus_1')).toBe(1)
  repair()
  await again()
  expect((await outbox.unattributed()).map(({ id }) => id)).toEqual(['b'])
  expect(await outbox.attribute(['b'], 'cus_2')).toBe(1)
  expect(idsOf(await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))).toEqual(['a', 'b'])
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, unattributed: 0 })
})

test('the sinks that either knows are known, and forgotten in both', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  const names = async () => (await outbox.sinks()).map(({ name }) => name)
  await outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
  expect(await names()).toEqual(['alpha'])
  repair()
  await again()
  for (const sink of ['alpha', 'beta']) await outbox.claim(sink, { limit: 1, leaseMs: 1000 })
  expect(await names()).toEqual(['alpha', 'beta'])
  expect(await outbox.removeSink('alpha')).toBe(true)
  expect(await names()).toEqual(['beta'])
})

test('test usage that a live sink is not given moves too, and is held there', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  outbox.append([exampleRecord({ id: 'a', livemode: false }), exampleRecord({ id: 'b' })])
  const batch = await outbox.claim('alpha', { limit: 10, leaseMs: 1000, isLive: true })
  expect(idsOf(batch)).toEqual(['b'])
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, pending: 1, held: 1 })
  repair()
  await again()
  expect(await outbox.claim('alpha', { limit: 10, leaseMs: 1000, isLive: true })).toBeUndefined()
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, pending: 1, held: 1 })
  await outbox.settle(batch!, [{ status: 'accepted' }])
  expect(await outbox.release('alpha')).toBe(1)
  expect(idsOf(await outbox.claim('alpha', { limit: 10, leaseMs: 1000, isLive: true }))).toEqual([
    'a',
  ])
  expect(await outbox.stats('alpha')).toMatchObject({ recorded: 2, delivered: 1, held: 0 })
})

test('a sink that came meanwhile comes again before it gets what is kept there', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  expect(await outbox.sinks()).toEqual([])
  expect(await outbox.attend('new', 'live')).toBe(true)
  outbox.append([exampleRecord({ id: 'a' })])
  repair()
  const other = sqliteOutbox(path)
  await other.append([exampleRecord({ id: 'before' })])
  await other.attend('old', 'live')
  await other.leave('old')
  await other.close()
  await again()
  expect(await outbox.claim('new', { limit: 10, leaseMs: 1000 })).toBeUndefined()
  expect(await outbox.attend('new', 'live')).toBe(false)
  expect(await outbox.sinks()).toEqual([{ name: 'old', mode: 'live', inUse: false }])
  await outbox.registerSink('new', { heldFor: ['old'], beforeId: 'a' })
  expect(await outbox.attend('new', 'live')).toBe(true)
  expect(idsOf(await outbox.claim('new', { limit: 10, leaseMs: 1000, isLive: true }))).toEqual([
    'a',
  ])
  expect(await outbox.stats('new')).toMatchObject({ held: 1, pending: 1 })
})

test('while next build looks at an application, nothing is opened until something is kept', () => {
  vi.stubEnv('NEXT_PHASE', 'phase-production-build')
  const path = join(temporaryFolder(), 'folder', 'usage.db')
  const outbox = start(path)
  expect(existsSync(path)).toBe(false)
  expect(reported).toEqual([])
  keep(outbox, 'a')
  expect(existsSync(path)).toBe(true)
  vi.unstubAllEnvs()
})

test('an id is kept once, whichever side has it, and other usage under it is told', async () => {
  const path = join(temporaryFolder(), 'usage.db')
  let isFull = false
  const outbox = start(path, {
    open() {
      const file = sqliteOutbox(path)
      return {
        ...file,
        append(records) {
          if (isFull && records.length > 0) throw new OutboxError('the disk is full.', { records })
          return file.append(records)
        },
      }
    },
  })
  keep(outbox, 'on disk')
  isFull = true
  expect(keep(outbox, 'on disk', 'in memory')).toMatchObject([{ kept: { id: 'on disk' } }])
  expect(await outbox.recorded()).toBe(2)
  // It is being sent from memory, where it stays, while the disk has room again.
  await outbox.claim('alpha', { limit: 1, leaseMs: 600_000 })
  isFull = false
  await again()
  expect(keep(outbox, 'in memory', 'later')).toMatchObject([{ kept: { id: 'in memory' } }])
  expect(await outbox.recorded()).toBe(3)
  expect(await idsIn(path)).toEqual(['on disk', 'later'])
})

test('what another process kept under an id meanwhile stands, and what memory had of it is told', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  keep(outbox, 'a', 'b')
  repair()
  const other = sqliteOutbox(path)
  other.append([exampleRecord({ id: 'a', model: 'another' }), exampleRecord({ id: 'b' })])
  await other.close()
  await again()
  expect(await outbox.recorded()).toBe(2)
  expect(reported.slice(1)).toMatchObject([
    { code: 'duplicate-id', records: [{ id: 'a' }], kept: [{ model: 'another' }] },
  ])
})

test('what is distrusted is so on both sides, and what memory has of it does not move', async () => {
  const { path, repair } = damaged()
  const outbox = start(path)
  await outbox.claim('alpha', { limit: 1, leaseMs: 1000 })
  keep(outbox, 'in memory')
  const restoredAt = Date.now() - 1000
  expect(await outbox.distrust(restoredAt)).toBe(1)
  repair()
  await again()
  keep(outbox, 'on disk')
  expect(await outbox.distrust(restoredAt)).toBe(2)
  for (const id of ['in memory', 'on disk']) {
    const batch = (await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))!
    expect(batch.entries).toMatchObject([{ record: { id }, uncertainSince: restoredAt }])
    await outbox.settle(batch, [{ status: 'accepted' }])
  }
})

test('a file that is damaged behind its beginning stays as it is, and memory is delivered meanwhile', async () => {
  const path = join(temporaryFolder(), 'usage.db')
  makeFile(path)
  const content = readFileSync(path).fill(7, 4096)
  writeFileSync(path, content)
  const outbox = start(path)
  keep(outbox, 'a')
  expect(reported).toMatchObject([{ message: expect.stringMatching(/kept in memory.*malformed/) }])
  const mark = await outbox.position()
  expect(await outbox.isSettled('alpha', mark)).toBe(false)
  const batch = (await outbox.claim('alpha', { limit: 10, leaseMs: 1000 }))!
  expect(idsOf(batch)).toEqual(['a'])
  await outbox.settle(batch, [{ status: 'accepted' }])
  expect(await outbox.isSettled('alpha', mark)).toBe(true)
  expect(readFileSync(path).equals(content)).toBe(true)
})
