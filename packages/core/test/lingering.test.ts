import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createMeter, memoryOutbox, type Outbox } from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'

const hourMs = 60 * 60_000

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-lingering-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'usage.db')
}

type MakeOutbox = (now: () => number) => Outbox
const outboxes: [string, MakeOutbox][] = [
  ['memory', (now) => memoryOutbox({ now })],
  ['sqlite', (now) => sqliteOutbox(temporaryFile(), { now })],
]

async function claimedOf(outbox: Outbox, limit: number, lingerMs?: number) {
  const batch = await outbox.claim('slow', limit, 1000, lingerMs)
  if (batch !== undefined)
    await outbox.settle(
      batch,
      batch.entries.map(() => accepted),
    )
  return batch?.entries.length
}
const accepted = { status: 'accepted' as const }

test.each(outboxes)(
  'a claim that lingers waits for age or for a full batch (%s)',
  async (_, make) => {
    let now = 1_000_000
    const outbox = make(() => now)
    await outbox.append([exampleRecord({ at: now }), exampleRecord({ at: now })])
    expect(await claimedOf(outbox, 3, 500)).toBeUndefined()
    now += 499
    expect(await claimedOf(outbox, 3, 500)).toBeUndefined()
    now += 1
    expect(await claimedOf(outbox, 3, 500)).toBe(2)
    await outbox.append([1, 2, 3].map(() => exampleRecord({ at: now })))
    expect(await claimedOf(outbox, 3, 500)).toBe(3)
    await outbox.append([exampleRecord({ at: now })])
    expect(await claimedOf(outbox, 3)).toBe(1)
    await outbox.close()
  },
)

test.each(outboxes)('no clock that jumps lets a record linger for long (%s)', async (_, make) => {
  let now = 10 * hourMs
  const outbox = make(() => now)
  await outbox.append([exampleRecord({ at: now })])
  now -= hourMs
  expect(await claimedOf(outbox, 3, 500)).toBe(1)
  await outbox.append([exampleRecord({ at: now })])
  now += 24 * hourMs
  expect(await claimedOf(outbox, 3, 500)).toBe(1)
  await outbox.close()
})

test.each(outboxes)('what is retried or requeued does not linger (%s)', async (_, make) => {
  let now = 1_000_000
  const outbox = make(() => now)
  await outbox.append([exampleRecord({ id: 'a', at: now }), exampleRecord({ at: now })])
  const batch = await outbox.claim('slow', 2, 1000, 500)
  if (batch === undefined) throw new Error('a full batch was not claimed')
  await outbox.settle(batch, [
    { status: 'rejected', reason: 'no' },
    { status: 'retry', reason: 'later' },
  ])
  expect(await claimedOf(outbox, 2, 500)).toBe(1)
  await outbox.requeue('slow')
  expect(await claimedOf(outbox, 2, 500)).toBe(1)
  await outbox.close()
})

test('records wait for company, but not for flush, and not when the batch is full', async () => {
  const backend = new Backend()
  const sink = backend.sink('slow', { lingerMs: hourMs, maxBatch: 5 })
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox(),
    sinks: [sink],
    delivery: quick,
  })
  for (const id of ['a', 'b', 'c']) await meter.record(usage(id))
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(backend.accepted).toEqual([])
  await meter.flush()
  expect(backend.batches.map(({ entries }) => entries.length)).toEqual([3])
  for (const id of ['d', 'e', 'f', 'g', 'h', 'i']) await meter.record(usage(id))
  await vi.waitFor(() => expect(backend.accepted).toHaveLength(8))
  expect(backend.batches[1]?.entries).toHaveLength(5)
  await meter.close()
  expect(backend.accepted).toHaveLength(9)
})

test('a record of another process is delivered once it has waited, by whoever is there', async () => {
  const file = temporaryFile()
  const producer = sqliteOutbox(file)
  const backend = new Backend()
  const meter = createMeter({
    providers: [],
    outbox: sqliteOutbox(file),
    sinks: [backend.sink('slow', { lingerMs: 300 })],
    delivery: quick,
  })
  await producer.append([exampleRecord({ id: 'old', at: Date.now() - 300 })])
  await vi.waitFor(() => expect(backend.accepted).toEqual(['old']))
  await producer.append([exampleRecord({ id: 'new', at: Date.now() })])
  await vi.waitFor(() => expect(backend.accepted).toEqual(['old', 'new']), { timeout: 5000 })
  await meter.close()
  await producer.close()
})
