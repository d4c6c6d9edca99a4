import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import {
  type OutboxHarness,
  accepted,
  ids,
  idsOf,
  rejected,
  retry,
  sink,
} from './outbox-harness.ts'

const old = { at: 1000 }

export function ledgerTests(harness: () => OutboxHarness): void {
  test("the provider's own ids are in the ledger", async () => {
    const names = { responseId: 'resp_1', requestId: 'req_1' }
    const record = exampleRecord(names)
    await harness().outbox.append([record])
    expect(await harness().outbox.find(record.id)).toMatchObject(names)
    await harness().settleAll(accepted)
    const { entries } = await harness().outbox.ledger(sink)
    expect(entries.map((entry) => entry.record)).toMatchObject([names])
  })

  test('a delivered record can still be found', async () => {
    const [record] = await harness().add(1)
    await harness().settleAll(accepted)
    expect(await harness().outbox.find(record?.id ?? '')).toEqual(record)
    expect(await harness().outbox.find('unknown')).toBeUndefined()
  })

  test('prune deletes what is older than the mark and settled', async () => {
    const { outbox } = harness()
    const [older] = await harness().add(1, old)
    const [newer] = await harness().add(1, { at: 1001 })
    expect(await outbox.prune(1001)).toBe(0)
    await harness().settleAll(accepted)
    expect(await outbox.prune(1000)).toBe(0)
    expect(await outbox.prune(1001)).toBe(1)
    expect(await outbox.prune(1001)).toBe(0)
    expect(await outbox.find(older?.id ?? '')).toBeUndefined()
    expect(await outbox.find(newer?.id ?? '')).toEqual(newer)
  })

  test('prune leaves everything where no sink is known yet', async () => {
    await harness().add(2, old)
    expect(await harness().outbox.prune(2000)).toBe(0)
    expect(idsOf(await harness().claim())).toHaveLength(2)
  })

  test('prune leaves what is pending, waiting, under way, dead or unattributed', async () => {
    const { outbox } = harness()
    const waiting = await harness().add(1, old)
    await harness().settleAll({ ...retry, afterMs: 60_000 })
    const dead = await harness().add(1, old)
    await harness().settleAll(rejected)
    const requeued = await harness().add(1, old)
    await harness().settleAll(rejected)
    await outbox.requeue(sink, ids(requeued))
    const unattributed = await harness().add(1, { ...old, customer: null })
    const fresh = await harness().add(1, old)
    await harness().take(1)
    expect(await outbox.prune(2000)).toBe(0)
    for (const [record] of [waiting, dead, requeued, unattributed, fresh]) {
      expect(await outbox.find(record?.id ?? '')).toEqual(record)
    }
  })

  test('prune waits for every sink that is known', async () => {
    const { outbox } = harness()
    await harness().add(1, old)
    await harness().settleAll(accepted)
    const batch = await harness().take(1, 'beta')
    expect(await outbox.prune(2000)).toBe(0)
    await outbox.settle(batch, [rejected])
    expect(await outbox.prune(2000)).toBe(0)
    await outbox.discard('beta')
    expect(await outbox.prune(2000)).toBe(1)
  })

  test('the counters last longer than the records', async () => {
    const { outbox } = harness()
    await harness().add(3, old)
    const batch = await harness().take()
    await outbox.settle(batch, [accepted, rejected, accepted])
    await outbox.discard(sink)
    await harness().add(1)
    const before = await outbox.stats(sink)
    expect(before).toMatchObject({ recorded: 4, delivered: 2, discarded: 1, pending: 1 })
    expect(await outbox.prune(2000)).toBe(3)
    expect(await outbox.stats(sink)).toEqual(before)
    expect(await outbox.recorded()).toBe(4)
  })

  test('when even the newest record was pruned, the next one is delivered', async () => {
    const { outbox } = harness()
    await harness().add(2, old)
    await harness().settleAll(accepted)
    expect(await outbox.prune(2000)).toBe(2)
    const [next] = ids(await harness().add(1))
    const position = await outbox.position()
    expect(await outbox.isSettled(sink, position)).toBe(false)
    expect(idsOf(await harness().settleAll(accepted))).toEqual([next])
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, delivered: 3, pending: 0 })
  })

  test('a sink that comes after a prune has what is left, and its counters sum', async () => {
    const { outbox } = harness()
    await harness().add(3, old)
    const batch = await harness().take()
    await outbox.settle(batch, [accepted, rejected, accepted])
    expect(await outbox.prune(2000)).toBe(2)
    const left = [idsOf(batch)[1], ...ids(await harness().add(1))]
    expect(await outbox.stats('late')).toMatchObject({ recorded: 2, pending: 2 })
    expect(idsOf(await harness().settleAll(accepted, 'late'))).toEqual(left)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 2, delivered: 2, pending: 0 })
  })

  test('after close, usage is refused with the records in the error, and close is harmless', async () => {
    const { outbox } = harness()
    await outbox.close()
    await outbox.close()
    const records = [exampleRecord()]
    const refused = await keep(() => outbox.append(records))
    expect(refused).toMatchObject({
      code: 'outbox',
      records,
      message: expect.stringMatching(/clos/),
    })
  })
}

async function keep(append: () => unknown): Promise<unknown> {
  try {
    await append()
    return undefined
  } catch (error) {
    return error
  }
}
