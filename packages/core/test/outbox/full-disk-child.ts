/**
 * A process on a small disk: `node full-disk-child.ts <folder> <durability>`. It fills the disk
 * while it meters, makes space, goes on, and prints what became of it all.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '../../../testkit/src/example-record.ts'
import type { CompletedReading } from '../../src/call/completed-reading.ts'
import type { ObservedCall } from '../../src/call/observed-call.ts'
import type { OutboxError, TokenMeterError } from '../../src/index.ts'
import { sqliteOutbox } from '../../src/sqlite.ts'
import { UsageRecorder } from '../../src/meter/recorder.ts'

const [, , folder = '', durability] = process.argv
const file = join(folder, 'usage.db')
const filler = join(folder, 'filler')

const outbox = sqliteOutbox(file, { durability: durability as 'process' })
const errors: TokenMeterError[] = []
outbox.onFault?.((error) => void errors.push(error))
const recorder = new UsageRecorder({
  outbox,
  onRecorded: () => {},
  onError: (error) => void errors.push(error),
})

/** Meters a call as a client does, and says whether the call has noticed anything. */
async function call(): Promise<boolean> {
  const observed = {
    call: { provider: 'openai', endpoint: 'embeddings', method: 'POST', body: { model: 'm' } },
    endpoint: { name: 'embeddings' },
    customer: 'cus_1',
    attributes: {},
    requestedModel: 'm',
    openIds: [],
    idOf: () => crypto.randomUUID(),
    tellRecords() {},
  } as unknown as ObservedCall
  const reading = {
    reading: { problems: [], details: {}, raw: { text: 'x'.repeat(500) } },
    tokens: exampleRecord().tokens,
    outcome: 'complete',
    estimated: [],
    interrupted: false,
  } as unknown as CompletedReading
  try {
    await recorder.record(observed, [reading])
    return false
  } catch {
    return true
  }
}

let calls = 0
let thrown = 0
const callFor = async (count: number) => {
  for (let left = count; left > 0; left--) {
    calls++
    if (await call()) thrown++
  }
  await outbox.position()
}
const reported = () => errors.flatMap((error) => (error as OutboxError).records ?? []).length

await callFor(50)
// As much as there is, then page by page.
for (let bytes = 1 << 20; bytes >= 256; bytes >>= 1) {
  try {
    for (;;) writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' })
  } catch {
    // Full.
  }
}
for (let rounds = 0; rounds < 50 && reported() < 20; rounds++) await callFor(50)
const onFullDisk = reported()
rmSync(filler)
await callFor(50)

const database = new DatabaseSync(file)
const integrity = database.prepare('PRAGMA integrity_check').get()?.['integrity_check']
database.close()
const kept = await outbox.recorded()
for (;;) {
  const batch = await outbox.claim('alpha', { limit: 100, leaseMs: 60_000 })
  if (batch === undefined) break
  await outbox.settle(
    batch,
    batch.entries.map(() => ({ status: 'accepted' })),
  )
}
const { delivered } = await outbox.stats('alpha')
await outbox.close()
const messages = [...new Set(errors.map(({ message }) => message))]
const later = reported() - onFullDisk
process.stdout.write(
  JSON.stringify({
    calls,
    thrown,
    reported: reported(),
    kept,
    messages,
    later,
    integrity,
    delivered,
  }),
)
