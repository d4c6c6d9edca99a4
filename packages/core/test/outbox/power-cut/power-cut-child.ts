/**
 * The process whose power is cut: `node power-cut-child.ts <folder> <durability>`. It appends,
 * claims and settles, closes and opens again, and writes the id of each record whose append has
 * returned to a file that the journal has too.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { exampleRecord } from '../../../../testkit/src/example-record.ts'
import { sqliteOutbox } from '../../../src/outbox/sqlite/sqlite-outbox.ts'

const [, , folder = '', durability] = process.argv
const answered = openSync(join(folder, 'answered'), 'a')

for (let opening = 0; opening < 3; opening++) {
  // The first makes the folder too.
  const outbox = sqliteOutbox(join(folder, 'outbox', 'usage.db'), {
    durability: durability as 'full' | 'process',
  })
  for (let count = 0; count < 350; count++) {
    const records = Array.from({ length: count % 10 === 0 ? 3 : 1 }, () => exampleRecord())
    void outbox.append(records)
    writeSync(answered, records.map(({ id }) => `${id}\n`).join(''))
    if (count % 7 > 0) continue
    const batch = await outbox.claim('alpha', { limit: 5, leaseMs: 60_000 })
    if (batch !== undefined && count % 21 > 0) {
      await outbox.settle(
        batch,
        batch.entries.map(() => ({ status: 'accepted' })),
      )
    }
  }
  await outbox.close()
}
