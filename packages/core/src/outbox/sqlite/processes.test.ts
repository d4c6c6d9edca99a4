import { join } from 'node:path'
import { expect, test } from 'vitest'
import { spawnOutboxChild } from '../../../test/outbox/spawn-outbox-child.ts'
import { sqliteOutbox } from './sqlite-outbox.ts'
import { temporaryFolder } from '../../../test/outbox/temporary-folder.ts'

test('processes that append and deliver at once lose nothing and double nothing', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const each = 150
  const workers = [1, 2, 3].map(() => spawnOutboxChild('work', file, each, each * 3))
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0])
  const said = (verb: string) =>
    workers.flatMap(({ lines }) =>
      lines.flatMap((line) => (line.startsWith(verb) ? line.slice(verb.length + 1) : [])),
    )
  const kept = said('kept')
  const delivered = said('delivered')
  expect(new Set(kept).size).toBe(each * 3)
  expect(delivered.toSorted()).toEqual(kept.toSorted())
  // Each of them had a part in it.
  for (const { lines } of workers) {
    expect(lines.some((line) => line.startsWith('delivered'))).toBe(true)
  }
  const outbox = sqliteOutbox(file)
  expect(outbox.stats('alpha')).toMatchObject({
    recorded: each * 3,
    delivered: each * 3,
    pending: 0,
  })
  outbox.close()
})

test('four producers and two delivery workers on one file send no record twice', async () => {
  const file = join(temporaryFolder(), 'usage.db')
  const each = 250
  const producers = [1, 2, 3, 4].map(() => spawnOutboxChild('produce', file, each))
  const workers = [1, 2].map(() => spawnOutboxChild('deliver', file, each * 4))
  const ended = [...producers, ...workers].map((child) => child.ended)
  expect(await Promise.all(ended)).toEqual(Array(6).fill(0))
  const kept = producers.flatMap(({ lines }) => lines)
  const sent = workers.flatMap(({ lines }) => lines)
  expect(new Set(kept).size).toBe(each * 4)
  expect(sent.toSorted()).toEqual(kept.toSorted())
  for (const { lines } of workers) expect(lines.length).toBeGreaterThan(0)
  const outbox = sqliteOutbox(file)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: each * 4, delivered: each * 4 })
  outbox.close()
})

test('processes that open a new file at the same moment all get it', async () => {
  const folder = join(temporaryFolder(), 'new')
  const start = Date.now() + 700
  const files = 40
  const children = [1, 2, 3].map(() => spawnOutboxChild('open-together', folder, start, files))
  await Promise.all(children.map(({ ended }) => ended))
  for (const { lines } of children) expect(lines).toEqual(Array(files).fill('opened'))
})
