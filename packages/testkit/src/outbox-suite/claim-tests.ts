import { expect, test } from 'vitest'
import { type OutboxHarness, accepted, ids, idsOf, leaseMs, retry, sink } from './outbox-harness.ts'

export function claimTests(harness: () => OutboxHarness): void {
  test('there is nothing to claim in an empty outbox', async () => {
    expect(await harness().claim()).toBeUndefined()
  })

  test('the oldest records come first, and no more than the limit', async () => {
    const records = ids(await harness().add(5))
    const first = await harness().take(2)
    const second = await harness().take(2)
    const third = await harness().take(2)
    expect([first, second, third].map(idsOf)).toEqual([
      records.slice(0, 2),
      records.slice(2, 4),
      records.slice(4),
    ])
    expect(await harness().claim(2)).toBeUndefined()
    expect(first.sink).toBe(sink)
    const batches = [first, second, third]
    expect(new Set(batches.map(({ id }) => id)).size).toBe(3)
    expect(new Set(batches.map(({ lease }) => lease)).size).toBe(3)
  })

  test('the first attempt is number 0 and has nothing behind it', async () => {
    await harness().add(1)
    const batch = await harness().take()
    expect(batch.entries[0]).toMatchObject({ attempts: 0, deliveredEventIds: [] })
    expect(batch.entries[0]?.firstAttemptAt).toBeUndefined()
  })

  test("a batch is nobody else's until its lease is over, then comes again whole", async () => {
    const began = harness().nowMs
    await harness().add(3)
    const first = await harness().take(3)
    harness().nowMs += leaseMs - 1
    expect(await harness().claim()).toBeUndefined()
    harness().nowMs += 1
    // Whole, even where fewer are asked for.
    const second = await harness().take(1)
    expect(second.id).toBe(first.id)
    expect(idsOf(second)).toEqual(idsOf(first))
    expect(second.lease).not.toBe(first.lease)
    for (const entry of second.entries) {
      expect(entry).toMatchObject({ attempts: 1, firstAttemptAt: began })
    }
    harness().nowMs += leaseMs
    const third = await harness().take()
    expect(third.id).toBe(first.id)
    for (const entry of third.entries) {
      expect(entry).toMatchObject({ attempts: 2, firstAttemptAt: began })
    }
  })

  test('a batch that comes again is not filled up with newer records', async () => {
    const [old] = await harness().add(1)
    await harness().claim()
    const newer = await harness().add(2)
    harness().nowMs += leaseMs
    expect(idsOf(await harness().claim())).toEqual([old?.id])
    expect(idsOf(await harness().claim())).toEqual(ids(newer))
  })

  test('records that come while others are on their way are claimed next', async () => {
    await harness().add(1)
    await harness().take()
    const [next] = await harness().add(1)
    expect(idsOf(await harness().claim())).toEqual([next?.id])
  })

  test('a batch that waits for its retry holds up no fresh record', async () => {
    await harness().add(1)
    await harness().settleAll({ ...retry, afterMs: 60_000 })
    const [next] = await harness().add(1)
    expect(idsOf(await harness().claim())).toEqual([next?.id])
  })

  test('two sinks have their own progress', async () => {
    const records = ids(await harness().add(3))
    const alpha = await harness().take(2)
    const beta = await harness().take(3, 'beta')
    expect(idsOf(alpha)).toEqual(records.slice(0, 2))
    expect(idsOf(beta)).toEqual(records)
    expect(beta.id).not.toBe(alpha.id)
    await harness().outbox.settle(beta, [accepted, accepted, accepted])
    expect(await harness().outbox.stats('beta')).toMatchObject({ delivered: 3, pending: 0 })
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 0, pending: 3 })
    expect(await harness().claim(5, 'beta')).toBeUndefined()
    expect(idsOf(await harness().claim())).toEqual(records.slice(2))
  })

  test('a sink that comes later starts from the first record', async () => {
    const records = ids(await harness().add(3))
    await harness().settleAll(accepted)
    expect(await harness().outbox.stats('late')).toMatchObject({ recorded: 3, pending: 3 })
    expect(idsOf(await harness().claim(10, 'late'))).toEqual(records)
  })
}
