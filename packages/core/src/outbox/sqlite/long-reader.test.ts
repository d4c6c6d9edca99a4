import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'

const megabyte = 1024 * 1024

test('the log grows while somebody reads for long, and gives the disk back afterwards', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file)
  const logSize = () => statSync(`${file}-wal`).size
  const add = (count: number) => {
    for (let number = 0; number < count; number++) {
      void outbox.append([exampleRecord({ raw: 'x'.repeat(100_000) })])
    }
  }
  add(1)
  const reader = new DatabaseSync(file)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM records').get()
  add(400)
  expect(logSize()).toBeGreaterThan(30 * megabyte)
  reader.exec('COMMIT')
  reader.close()
  add(2)
  expect(logSize()).toBeLessThan(20 * megabyte)
  expect(await outbox.recorded()).toBe(403)
  outbox.close()
})
