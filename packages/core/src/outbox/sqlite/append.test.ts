import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'
import { sqliteOutbox, type SqliteOutboxOptions } from './sqlite-outbox.ts'

function open(options?: SqliteOutboxOptions) {
  const file = join(temporaryFolder(), 'usage.db')
  const outbox = sqliteOutbox(file, options)
  onTestFinished(() => outbox.close())
  const numbers = () => {
    const database = new DatabaseSync(file)
    const rows = database.prepare('SELECT seq, id FROM records ORDER BY seq').all()
    database.close()
    return rows.map(({ seq, id }) => [seq, id])
  }
  return { outbox, numbers }
}

const record = (number: number) => exampleRecord({ id: `r${number}` })
const records = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => record(from + index))
const inOrder = (count: number) => records(0, count).map(({ id }, index) => [index + 1, id])

test.each([1, 2, 15, 16, 17, 32, 33, 100])('%d records are kept in their order', (count) => {
  const { outbox, numbers } = open()
  outbox.append(records(0, count))
  expect(numbers()).toEqual(inOrder(count))
})

test('a record that is there takes no other of its append with it, and uses up no number', () => {
  const { outbox, numbers } = open()
  for (const known of [0, 7, 16]) {
    outbox.append(records(0, known + 1))
    // Among the first, in the middle of a statement, twice in it, and as the last.
    outbox.append([record(known), ...records(0, 40), record(known), record(20), record(39)])
    outbox.append([record(39)])
    outbox.append([record(39)])
  }
  outbox.append(records(20, 60))
  expect(numbers()).toEqual(inOrder(80))
  expect(outbox.recorded()).toBe(80)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 80, pending: 80 })
})

test('a group with records that are there keeps the others', () => {
  const { outbox, numbers } = open({ durability: 'group', groupMs: 1000 })
  outbox.append(records(0, 10))
  expect(outbox.recorded()).toBe(10)
  for (const one of records(5, 90)) outbox.append([one])
  expect(outbox.recorded()).toBe(95)
  expect(numbers()).toEqual(inOrder(95))
})
