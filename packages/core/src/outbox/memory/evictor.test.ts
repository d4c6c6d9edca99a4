import { exampleRecord } from '@token-meter/testkit/suites'
import { expect, test } from 'vitest'
import { createMeter, memoryOutbox, type TokenMeterError } from '../../index.ts'
import { usage } from '../../../test/backend.ts'
import type { Outbox } from '../outbox.ts'

const accepted = { status: 'accepted' } as const
const rejected = { status: 'rejected', reason: 'no' } as const
const size = JSON.stringify(exampleRecord()).length
/** Room for so many example records. */
const roomFor = (count: number) => memoryOutbox({ maxBytes: size * count + 10 })

const add = (outbox: Outbox, count: number) => {
  const records = Array.from({ length: count }, () => exampleRecord())
  for (const record of records) void outbox.append([record])
  return records.map(({ id }) => id)
}
const settle = async (outbox: Outbox, count: number, sink = 'alpha', result: object = accepted) => {
  const batch = await outbox.claim(sink, { limit: count, leaseMs: 1000 })
  if (batch)
    await outbox.settle(
      batch,
      batch.entries.map(() => result as typeof accepted),
    )
}
const left = (outbox: Outbox, ids: readonly string[]) =>
  ids.filter((id) => outbox.find(id) !== undefined)

test('what is delivered leaves first, oldest first, and no more than needed', async () => {
  const outbox = roomFor(32)
  const ids = add(outbox, 32)
  await settle(outbox, 20)
  add(outbox, 1)
  // One for the new record, and a sixteenth to spare.
  expect(left(outbox, ids)).toEqual(ids.slice(3))
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 33, delivered: 20, pending: 13 })
  add(outbox, 19)
  expect(left(outbox, ids).slice(-12)).toEqual(ids.slice(20))
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 52, delivered: 20, pending: 32 })
})

test('what is pending never leaves: a full outbox refuses, with the records, until some is settled', async () => {
  const outbox = roomFor(5)
  const ids = add(outbox, 5)
  const records = [exampleRecord()]
  for (let time = 0; time < 3; time++) {
    expect(() => outbox.append(records)).toThrow(
      expect.objectContaining({
        code: 'outbox',
        records,
        message: expect.stringMatching(/full \(maxBytes: \d+\).*sqliteOutbox/),
      }),
    )
  }
  expect(left(outbox, ids)).toEqual(ids)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 5, pending: 5 })
  await settle(outbox, 1)
  outbox.append(records)
  expect(left(outbox, ids)).toEqual(ids.slice(1))
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 6, delivered: 1, pending: 5 })
})

test('dead, unattributed, waiting and half delivered records stay too', async () => {
  const outbox = roomFor(4)
  add(outbox, 1)
  await settle(outbox, 1, 'alpha', rejected)
  void outbox.append([exampleRecord({ customer: null })])
  add(outbox, 1)
  await settle(outbox, 1, 'alpha', { status: 'retry', reason: 'later' })
  // Delivered to one sink, not to the other.
  await outbox.claim('beta', { limit: 1, leaseMs: 1000 })
  add(outbox, 1)
  await outbox.claim('gamma', { limit: 1, leaseMs: 1000 })
  expect(() => outbox.append([exampleRecord()])).toThrow(/full/)
  await outbox.removeSink('beta')
  await outbox.removeSink('gamma')
  expect(() => outbox.append([exampleRecord()])).toThrow(/full/)
  await outbox.discard('alpha')
  add(outbox, 1)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 5, discarded: 1, unattributed: 1 })
})

test('what one sink has delivered and another has not stays', async () => {
  const outbox = roomFor(2)
  add(outbox, 2)
  await settle(outbox, 2)
  await outbox.claim('beta', { limit: 2, leaseMs: 1000 })
  expect(() => outbox.append([exampleRecord()])).toThrow(/full/)
  await outbox.removeSink('beta')
  add(outbox, 2)
  expect(outbox.stats('alpha')).toMatchObject({ recorded: 4, delivered: 2, pending: 2 })
})

test('several records are kept together or not at all, and one that is there needs no room', async () => {
  const outbox = roomFor(3)
  const [first = ''] = add(outbox, 2)
  const two = [exampleRecord(), exampleRecord()]
  expect(() => outbox.append(two)).toThrow(expect.objectContaining({ records: two }))
  expect(outbox.recorded()).toBe(2)
  add(outbox, 1)
  void outbox.append([exampleRecord({ id: first })])
  expect(outbox.recorded()).toBe(3)
  // Larger than all there is: nothing leaves for it.
  await settle(outbox, 3)
  const large = exampleRecord({ raw: 'x'.repeat(size * 4) })
  expect(() => outbox.append([large])).toThrow(/full/)
  expect(outbox.find(first)).toBeDefined()
})

test('a meter reports each record that found no room, whole and counted', async () => {
  const errors: TokenMeterError[] = []
  const meter = createMeter({
    providers: [],
    outbox: memoryOutbox({ maxBytes: 2000 }),
    onError: (error) => void errors.push(error),
  })
  let refused = 0
  for (let count = 0; count < 20; count++) {
    await meter.record(usage(`r${count}`)).catch(() => refused++)
  }
  const { recorded, errors: counted } = await meter.stats()
  expect(refused).toBeGreaterThan(0)
  expect(recorded + refused).toBe(20)
  expect(counted).toBe(refused)
  for (const error of errors) expect(error).toMatchObject({ records: [{ customer: 'cus_1' }] })
  await meter.close().catch(() => {})
})

test.each([0, -1, Number.NaN])('maxBytes of %s is refused', (maxBytes) => {
  expect(() => memoryOutbox({ maxBytes })).toThrow(expect.objectContaining({ code: 'config' }))
})
