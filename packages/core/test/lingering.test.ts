import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleRecord } from '@token-meter/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createMeter, memoryOutbox } from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'

const hourMs = 60 * 60_000

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-lingering-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'usage.db')
}

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
