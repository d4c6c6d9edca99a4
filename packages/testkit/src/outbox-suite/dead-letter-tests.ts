import { expect, test } from 'vitest'
import {
  type OutboxHarness,
  accepted,
  ids,
  idsOf,
  rejected,
  retry,
  sink,
} from './outbox-harness.ts'

export function deadLetterTests(harness: () => OutboxHarness): void {
  test('a rejected record is a dead letter of its sink, with all that is known', async () => {
    const [record] = await harness().add(1)
    await harness().settleAll(retry)
    harness().nowMs += 5
    await harness().settleAll(rejected)
    const { outbox, nowMs } = harness()
    expect(await outbox.deadLetters(sink)).toEqual([
      { record, sink, reason: 'no such customer', attempts: 2, failedAt: nowMs },
    ])
    expect(await outbox.deadLetters('beta')).toEqual([])
    expect(await harness().claim()).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ dead: 1, pending: 0 })
    expect(await outbox.stats('beta')).toMatchObject({ dead: 0, pending: 1 })
  })

  test('the one that failed first is listed first, and no more than the limit', async () => {
    await harness().add(2)
    const waiting = await harness().take()
    await harness().outbox.settle(waiting, [{ ...retry, afterMs: 10 }, accepted])
    const later = await harness().add(2)
    await harness().settleAll(rejected)
    harness().nowMs += 10
    await harness().settleAll(rejected)
    const expected = [...ids(later), ...idsOf(waiting).slice(0, 1)]
    const list = async (limit?: number) =>
      ids((await harness().outbox.deadLetters(sink, limit)).map(({ record }) => record))
    expect(await list()).toEqual(expected)
    expect(await list(2)).toEqual(expected.slice(0, 2))
  })

  test('requeue makes all of them pending again, in a new batch', async () => {
    const records = ids(await harness().add(3))
    const dead = await harness().settleAll(rejected)
    await harness().add(1)
    expect(await harness().outbox.requeue(sink)).toBe(3)
    expect(await harness().outbox.stats(sink)).toMatchObject({ dead: 0, pending: 4 })
    expect(await harness().outbox.deadLetters(sink)).toEqual([])
    const batch = await harness().take(3)
    expect(idsOf(batch)).toEqual(records)
    expect(batch.id).not.toBe(dead.id)
    expect(await harness().outbox.requeue(sink)).toBe(0)
  })

  test('requeue of some ids, of which only dead letters count', async () => {
    const records = ids(await harness().add(3))
    const batch = await harness().take()
    await harness().outbox.settle(batch, [rejected, accepted, rejected])
    const asked = [...records.slice(1), 'unknown', ...records.slice(2)]
    expect(await harness().outbox.requeue(sink, [])).toBe(0)
    expect(await harness().outbox.requeue('beta', records)).toBe(0)
    expect(await harness().outbox.requeue(sink, asked)).toBe(1)
    expect(idsOf(await harness().claim())).toEqual([records[2]])
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 1, dead: 1, pending: 1 })
  })

  test('a requeued record starts over, but what arrived stays known', async () => {
    await harness().add(1)
    await harness().settleAll({ ...retry, deliveredEventIds: ['a'] })
    await harness().settleAll({ ...rejected, deliveredEventIds: ['b'] })
    harness().nowMs += 1000
    await harness().outbox.requeue(sink)
    const batch = await harness().take()
    expect(batch.entries[0]).toMatchObject({ attempts: 0, deliveredEventIds: ['a', 'b'] })
    expect(batch.entries[0]?.firstAttemptAt).toBeUndefined()
  })

  test('requeued and fresh records share a batch, oldest first', async () => {
    const old = ids(await harness().add(2))
    const batch = await harness().take()
    const { outbox } = harness()
    await outbox.settle(batch, [rejected, rejected])
    const fresh = ids(await harness().add(2))
    await outbox.requeue(sink, old.slice(1))
    await outbox.requeue(sink, old.slice(0, 1))
    expect(idsOf(await harness().claim(3))).toEqual([...old, fresh[0]])
    expect(idsOf(await harness().claim(3))).toEqual([fresh[1]])
  })

  test('discard gives dead letters up, all or some', async () => {
    const records = ids(await harness().add(3))
    await harness().settleAll(rejected)
    const { outbox } = harness()
    expect(await outbox.discard(sink, [])).toBe(0)
    expect(await outbox.discard('beta')).toBe(0)
    expect(await outbox.discard(sink, ['unknown', ...records.slice(0, 1)])).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ discarded: 1, dead: 2 })
    expect(await outbox.discard(sink)).toBe(2)
    expect(await outbox.discard(sink)).toBe(0)
    expect(await outbox.stats(sink)).toMatchObject({ discarded: 3, dead: 0, pending: 0 })
    expect(await outbox.requeue(sink)).toBe(0)
    expect(await harness().claim()).toBeUndefined()
    expect(await outbox.find(records[0] ?? '')).toBeDefined()
  })

  test('nothing but dead letters can be discarded', async () => {
    const records = ids(await harness().add(2))
    await harness().take(1)
    expect(await harness().outbox.discard(sink, records)).toBe(0)
    expect(await harness().outbox.discard(sink)).toBe(0)
    expect(await harness().outbox.stats(sink)).toMatchObject({ pending: 2, discarded: 0 })
  })
}
