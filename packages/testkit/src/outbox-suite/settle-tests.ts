import { expect, test } from 'vitest'
import {
  type OutboxHarness,
  accepted,
  ids,
  idsOf,
  leaseMs,
  rejected,
  retry,
  sink,
} from './outbox-harness.ts'

export function settleTests(harness: () => OutboxHarness): void {
  test('what was accepted does not come again', async () => {
    await harness().add(2)
    const batch = await harness().take()
    expect(await harness().outbox.settle(batch, [accepted, accepted])).toBe(true)
    harness().nowMs += leaseMs * 10
    expect(await harness().claim()).toBeUndefined()
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 2, pending: 0 })
  })

  test('what is to be retried stays in its batch, without what was settled', async () => {
    const records = ids(await harness().add(4))
    const first = await harness().take()
    await harness().outbox.settle(first, [retry, accepted, rejected, retry])
    const second = await harness().take()
    expect(second.id).toBe(first.id)
    expect(second.lease).not.toBe(first.lease)
    expect(idsOf(second)).toEqual([records[0], records[3]])
    expect(second.entries.map(({ attempts }) => attempts)).toEqual([1, 1])
    await harness().outbox.settle(second, [accepted, retry])
    const third = await harness().take()
    expect(third.id).toBe(first.id)
    expect(idsOf(third)).toEqual([records[3]])
    await harness().outbox.settle(third, [accepted])
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 3, dead: 1, pending: 0 })
  })

  test('retries and fresh records take turns, so that neither holds up the other', async () => {
    await harness().add(1)
    const stubborn = await harness().take()
    await harness().outbox.settle(stubborn, [retry])
    await harness().add(2)
    const claimed: string[] = []
    for (let turn = 0; turn < 4; turn++) {
      const batch = await harness().take(1)
      claimed.push(batch.id)
      const isStubborn = batch.id === stubborn.id
      await harness().outbox.settle(batch, [isStubborn ? retry : accepted])
    }
    const turns = claimed.map((id) => (id === stubborn.id ? 'retry' : 'fresh'))
    expect(turns).toEqual(['retry', 'fresh', 'retry', 'fresh'])
  })

  test('after a claim that found nothing, a retry comes first again', async () => {
    await harness().add(1)
    const stubborn = await harness().take()
    await harness().outbox.settle(stubborn, [retry])
    const again = await harness().take()
    expect(await harness().claim()).toBeUndefined()
    await harness().outbox.settle(again, [retry])
    await harness().add(1)
    expect((await harness().take(1)).id).toBe(stubborn.id)
  })

  test('a retry waits for the longest afterMs of its batch', async () => {
    await harness().add(3)
    const batch = await harness().take()
    const { outbox } = harness()
    await outbox.settle(batch, [{ ...retry, afterMs: 500 }, { ...retry, afterMs: 2000.5 }, retry])
    harness().nowMs += 2000
    expect(await harness().claim()).toBeUndefined()
    harness().nowMs += 1
    expect((await harness().take()).id).toBe(batch.id)
  })

  test('a retry without afterMs is due at once', async () => {
    await harness().add(1)
    const batch = await harness().settleAll(retry)
    expect((await harness().take()).id).toBe(batch.id)
  })

  test('expedite makes retries due, of this sink only, and breaks no lease', async () => {
    await harness().add(1)
    const later = { ...retry, afterMs: 60_000 }
    const batch = await harness().settleAll(later)
    await harness().settleAll(later, 'beta')
    await harness().outbox.expedite(sink)
    expect(await harness().outbox.nextDueAt(sink)).toBe(harness().nowMs)
    expect((await harness().take()).id).toBe(batch.id)
    await harness().outbox.expedite(sink)
    expect(await harness().claim()).toBeUndefined()
    expect(await harness().claim(1, 'beta')).toBeUndefined()
  })

  test('a batch is settled once', async () => {
    await harness().add(2)
    const batch = await harness().take()
    const { outbox } = harness()
    expect(await outbox.settle(batch, [accepted, retry])).toBe(true)
    expect(await outbox.settle(batch, [accepted, accepted])).toBe(false)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, pending: 1 })
    expect(await harness().take()).toMatchObject({ id: batch.id })
  })

  test('a lease that another worker has taken over settles nothing', async () => {
    await harness().add(2)
    const slow = await harness().take()
    harness().nowMs += leaseMs
    const current = await harness().take()
    const { outbox } = harness()
    expect(await outbox.settle(slow, [accepted, rejected])).toBe(false)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 0, dead: 0, pending: 2 })
    expect(await outbox.settle(current, [accepted, accepted])).toBe(true)
    expect(await outbox.settle(slow, [accepted, accepted])).toBe(false)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 2, pending: 0 })
  })

  test('a lease that is over but that nobody took still settles', async () => {
    await harness().add(1)
    const batch = await harness().take()
    harness().nowMs += leaseMs * 2
    expect(await harness().outbox.settle(batch, [accepted])).toBe(true)
    expect(await harness().claim()).toBeUndefined()
  })

  test('a batch that the outbox never gave out settles nothing', async () => {
    await harness().add(1)
    const batch = await harness().take()
    const { outbox } = harness()
    expect(await outbox.settle({ ...batch, id: 'other' }, [accepted])).toBe(false)
    expect(await outbox.settle({ ...batch, lease: 'other' }, [accepted])).toBe(false)
    expect(await outbox.stats(sink)).toMatchObject({ pending: 1 })
  })

  test('an entry without a result stays in the batch', async () => {
    const records = ids(await harness().add(2))
    const batch = await harness().take()
    await harness().outbox.settle(batch, [accepted])
    expect(idsOf(await harness().claim())).toEqual([records[1]])
  })

  test('event ids that arrived add up over the attempts', async () => {
    await harness().add(1)
    const told = async (...deliveredEventIds: string[]) => {
      const batch = await harness().settleAll({ ...retry, deliveredEventIds })
      return batch.entries[0]?.deliveredEventIds
    }
    expect(await told('a')).toEqual([])
    expect(await told('b', 'a')).toEqual(['a'])
    expect((await told())?.toSorted()).toEqual(['a', 'b'])
    expect((await told('c'))?.toSorted()).toEqual(['a', 'b'])
    harness().nowMs += leaseMs
    const batch = await harness().take()
    expect(batch.entries[0]?.deliveredEventIds.toSorted()).toEqual(['a', 'b', 'c'])
  })
}
