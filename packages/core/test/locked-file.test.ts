import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { createMeter, OutboxError, type TokenMeterError } from '../src/index.ts'
import { sqliteOutbox } from '../src/sqlite.ts'
import { Backend, quick, usage } from './backend.ts'
import { temporaryFolder } from './outbox/temporary-folder.ts'

/** An outbox, and another connection that can lock its file. */
function start() {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  const other = new DatabaseSync(file)
  return {
    outbox,
    lock: () => other.exec('BEGIN IMMEDIATE'),
    unlock: () => other.exec('ROLLBACK'),
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('appends to a locked file wait in memory, in order, and freeze nothing', async () => {
  const { outbox, lock, unlock } = start()
  lock()
  const records = Array.from({ length: 50 }, () => exampleRecord())
  const began = performance.now()
  const storing = records.map((record) => outbox.append([record]))
  // Each would wait 50 ms.
  expect(performance.now() - began).toBeLessThan(1500)
  let stored = 0
  for (const promise of storing) void Promise.resolve(promise).then(() => stored++)
  await wait(300)
  expect(stored).toBe(0)
  unlock()
  await Promise.all(storing)
  expect(await outbox.position()).toBe(50)
  const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 1000 })
  expect(batch?.entries.map(({ record }) => record.id)).toEqual(records.map(({ id }) => id))
  expect(outbox.append([exampleRecord()])).toBeUndefined()
  await outbox.close()
})

test.each(['position', 'claim', 'close'] as const)('%s brings them in', async (operation) => {
  const { outbox, lock, unlock } = start()
  lock()
  const storing = outbox.append([exampleRecord()])
  expect(storing).toBeInstanceOf(Promise)
  unlock()
  if (operation === 'claim')
    expect(outbox.claim('alpha', { limit: 1, leaseMs: 1000 })).toBeDefined()
  else expect(await outbox[operation]()).toBe(operation === 'position' ? 1 : undefined)
  await storing
  if (operation !== 'close') await outbox.close()
})

test('a position covers what is waiting', async () => {
  const { outbox, lock, unlock } = start()
  lock()
  void outbox.append([exampleRecord()])
  setTimeout(unlock, 150)
  expect(await outbox.position()).toBe(1)
  await outbox.close()
})

test('what a closing outbox could not write is handed back', async () => {
  const { outbox, lock } = start()
  lock()
  const records = [exampleRecord()]
  const storing = expect(outbox.append(records)).rejects.toMatchObject({ code: 'outbox', records })
  await outbox.close()
  await storing
  expect(() => outbox.append(records)).toThrow(OutboxError)
})

test('no more wait than memory is meant for', async () => {
  const { outbox, lock, unlock } = start()
  lock()
  const many = Array.from({ length: 10_000 }, () => exampleRecord())
  const storing = outbox.append(many)
  const one = [exampleRecord()]
  expect(() => outbox.append(one)).toThrow(
    expect.objectContaining({ code: 'outbox', records: one }),
  )
  unlock()
  await storing
  await outbox.close()
})

test('delivery goes on soon after a lock, without a fault', async () => {
  const { outbox, lock, unlock } = start()
  const backend = new Backend()
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [backend.sink()],
    delivery: { ...quick, backoff: { baseMs: 1, maxMs: 60_000 } },
    onError: (error) => void errors.push(error),
  })
  lock()
  const recording = meter.record(usage('r0'))
  await wait(300)
  unlock()
  await recording
  const delivered = new Promise((resolve) => meter.on('delivered', resolve))
  // A flush can begin while the file is locked again.
  lock()
  setTimeout(unlock, 200)
  await meter.flush({ timeoutMs: 3000 })
  await delivered
  expect(backend.accepted).toEqual(['r0'])
  expect(errors).toEqual([])
  await meter.close()
})

test('results that a lock kept out are written when it is over, and sent only once', async () => {
  const { outbox, lock, unlock } = start()
  const errors: TokenMeterError[] = []
  let sends = 0
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [
      async function warehouse() {
        if (sends++ > 0) return
        lock()
        setTimeout(unlock, 250)
      },
    ],
    delivery: quick,
    onError: (error) => void errors.push(error),
  })
  await meter.record(usage('r0'))
  await meter.flush({ timeoutMs: 3000 })
  expect(sends).toBe(1)
  expect(errors).toEqual([])
  await meter.close()
})
