import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const hourMs = 60 * 60_000
const yearMs = 365 * 24 * hourMs
const nowMs = 1_800_000_000_000

/** Another process, by whose clock it is so late. */
function processAt(file: string, now: number) {
  const outbox = sqliteOutbox(file, { now: () => now })
  onTestFinished(() => outbox.close())
  return outbox
}

async function fileWithOneRecord() {
  const file = join(temporaryFolder(), 'usage.db')
  await processAt(file, nowMs).append([exampleRecord()])
  return file
}

test.each([hourMs, 10 * yearMs])(
  'what a process put off by a clock %i ms ahead is due for the next one',
  async (aheadMs) => {
    const file = await fileWithOneRecord()
    const early = processAt(file, nowMs + aheadMs)
    const batch = await early.claim('alpha', { limit: 10, leaseMs: 60_000 })
    if (batch === undefined) throw new Error('there was nothing to claim')
    await early.settle(batch, [{ status: 'retry', reason: 'down', afterMs: 60_000 }])
    const next = processAt(file, nowMs)
    expect((await next.claim('alpha', { limit: 10, leaseMs: 60_000 }))?.id).toBe(batch.id)
  },
)

test('a wait by a clock that is right is kept', async () => {
  const file = await fileWithOneRecord()
  const first = processAt(file, nowMs)
  const batch = await first.claim('alpha', { limit: 10, leaseMs: 60_000 })
  if (batch === undefined) throw new Error('there was nothing to claim')
  await first.settle(batch, [{ status: 'retry', reason: 'down', afterMs: 60_000 }])
  expect(
    await processAt(file, nowMs + 1000).claim('alpha', { limit: 10, leaseMs: 60_000 }),
  ).toBeUndefined()
  // The clocks of processes are read at different moments.
  expect(
    await processAt(file, nowMs - 1000).claim('alpha', { limit: 10, leaseMs: 60_000 }),
  ).toBeUndefined()
})

test('a lease of another machine that a clock years ahead gave ends, one of now does not', async () => {
  for (const [aheadMs, ends] of [
    [10 * yearMs, true],
    [hourMs, false],
  ] as const) {
    const file = await fileWithOneRecord()
    const batch = await processAt(file, nowMs + aheadMs).claim('alpha', {
      limit: 10,
      leaseMs: 60_000,
    })
    const database = new DatabaseSync(file)
    database.exec(`UPDATE batches SET lease = '["elsewhere", 1, "", "a"]'`)
    database.close()
    const taken = await processAt(file, nowMs).claim('alpha', { limit: 10, leaseMs: 60_000 })
    expect(taken?.id).toBe(ends ? batch?.id : undefined)
  }
})
