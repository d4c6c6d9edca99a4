import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import { type OutboxHarness, accepted, ids, idsOf, sink } from './outbox-harness.ts'

const nobody = { customer: null }

export function unattributedTests(harness: () => OutboxHarness): void {
  test('a record without a customer is passed over, counted and listed', async () => {
    const [first] = await harness().add(1, nobody)
    const [billable] = await harness().add(1)
    const [second] = await harness().add(1, nobody)
    const { outbox } = harness()
    expect(idsOf(await harness().claim())).toEqual([billable?.id])
    expect(await harness().claim()).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, pending: 1, unattributed: 2 })
    expect(await outbox.unattributed()).toEqual([first, second])
    expect(await outbox.unattributed(1)).toEqual([first])
  })

  test('once attributed it is claimable for every sink, early or late', async () => {
    const records = await harness().add(2, nobody)
    const [first, second] = ids(records)
    const { outbox } = harness()
    // alpha has passed them, beta has not looked yet.
    expect(await harness().claim()).toBeUndefined()
    expect(await outbox.attribute([first ?? '', 'unknown'], 'cus_late')).toBe(1)
    for (const name of [sink, 'beta']) {
      expect(await outbox.stats(name)).toMatchObject({ recorded: 2, pending: 1, unattributed: 1 })
      const batch = await harness().take(10, name)
      expect(batch.entries.map(({ record }) => record)).toEqual([
        { ...records[0], customer: 'cus_late' },
      ])
      expect(batch.entries[0]).toMatchObject({ attempts: 0 })
    }
    expect(await outbox.find(first ?? '')).toMatchObject({ customer: 'cus_late' })
    expect(ids(await outbox.unattributed())).toEqual([second])
  })

  test('a record that has a customer keeps it', async () => {
    const [record] = await harness().add(1)
    const [unnamed] = await harness().add(1, nobody)
    const both = [record?.id ?? '', unnamed?.id ?? '']
    const { outbox } = harness()
    expect(await outbox.attribute(both, 'cus_new')).toBe(1)
    expect(await outbox.attribute(both, 'cus_other')).toBe(0)
    expect(await outbox.find(both[0] ?? '')).toMatchObject({ customer: 'cus_1' })
    expect(await outbox.find(both[1] ?? '')).toMatchObject({ customer: 'cus_new' })
  })

  test('an id that is named twice is attributed once', async () => {
    const [record] = ids(await harness().add(1, nobody))
    await harness().claim()
    expect(await harness().outbox.attribute([record ?? '', record ?? ''], 'cus_1')).toBe(1)
    expect(idsOf(await harness().settleAll(accepted))).toEqual([record])
    expect(await harness().claim()).toBeUndefined()
  })

  test('a late customer counts as pending again for a flush', async () => {
    const [record] = ids(await harness().add(1, nobody))
    const { outbox } = harness()
    await harness().claim()
    const position = await outbox.position()
    expect(await outbox.isSettled(sink, position)).toBe(true)
    await outbox.attribute([record ?? ''], 'cus_1')
    expect(await outbox.isSettled(sink, position)).toBe(false)
    expect(await outbox.nextDueAt(sink)).toBe(harness().nowMs)
    await harness().settleAll(accepted)
    expect(await outbox.isSettled(sink, position)).toBe(true)
  })

  test('the same id with a customer does not attribute the one that is kept', async () => {
    const record = exampleRecord(nobody)
    const { outbox } = harness()
    await outbox.append([record])
    await outbox.append([{ ...record, customer: 'cus_1' }])
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 1, unattributed: 1, pending: 0 })
  })
}
