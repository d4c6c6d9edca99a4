import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import {
  type OutboxHarness,
  accepted,
  ids,
  idsOf,
  leaseMs,
  rejected,
  sink,
} from './outbox-harness.ts'

/** For outboxes that several processes share and that outlive them. */
export function sharedTests(harness: () => OutboxHarness): void {
  test('everything is still there when the outbox is opened again', async () => {
    const { outbox } = harness()
    expect(outbox.durable).toBe(true)
    const records = await harness().add(4)
    const batch = await harness().take(3)
    await outbox.settle(batch, [
      accepted,
      { ...rejected, deliveredEventIds: ['a'] },
      { status: 'retry', reason: 'busy', deliveredEventIds: ['b'], afterMs: 10, uncertain: true },
    ])
    await harness().add(1, { customer: null })
    const seen = async (from: typeof outbox) => ({
      stats: await from.stats(sink),
      dead: await from.deadLetters(sink),
      unattributed: await from.unattributed(),
      found: await from.find(records[0]?.id ?? ''),
      dueAt: await from.nextDueAt(sink),
      recorded: await from.recorded(),
    })
    const before = await seen(outbox)
    await outbox.close()
    const again = await harness().another()
    expect(await seen(again)).toEqual(before)
    harness().nowMs += 10
    const retried = await again.claim(sink, { limit: 10, leaseMs })
    expect(retried).toMatchObject({ id: batch.id, entries: [{ attempts: 1 }] })
    expect(retried?.entries[0]).toMatchObject({
      record: records[2],
      deliveredEventIds: ['b'],
      firstAttemptAt: harness().nowMs - 10,
      uncertainSince: harness().nowMs - 10,
    })
  })

  test('a lease outlives the process that took it', async () => {
    await harness().add(2)
    const batch = await harness().take()
    await harness().outbox.close()
    const again = await harness().another()
    expect(await again.claim(sink, { limit: 10, leaseMs })).toBeUndefined()
    harness().nowMs += leaseMs
    const taken = await again.claim(sink, { limit: 10, leaseMs })
    expect(taken?.id).toBe(batch.id)
    expect(idsOf(taken)).toEqual(idsOf(batch))
    expect(await again.settle(batch, [accepted, accepted])).toBe(false)
  })

  test('two connections see each other, and never hold the same record', async () => {
    const { outbox } = harness()
    const other = await harness().another()
    const records = [exampleRecord(), exampleRecord(), exampleRecord()]
    // A position is asked for because it writes what waits, where an outbox writes in groups.
    await outbox.append(records.slice(0, 2))
    await outbox.position()
    await other.append(records.slice(1))
    await other.position()
    expect(await outbox.recorded()).toBe(3)
    const mine = await outbox.claim(sink, { limit: 2, leaseMs })
    const theirs = await other.claim(sink, { limit: 2, leaseMs })
    expect([...idsOf(mine), ...idsOf(theirs)]).toEqual(ids(records))
    expect(await other.claim(sink, { limit: 2, leaseMs })).toBeUndefined()
    const position = await other.position()
    expect(await other.isSettled(sink, position)).toBe(false)
    // Whoever holds the claim can settle it, on any connection.
    expect(mine && (await other.settle(mine, [accepted, accepted]))).toBe(true)
    expect(theirs && (await outbox.settle(theirs, [accepted]))).toBe(true)
    expect(await outbox.isSettled(sink, position)).toBe(true)
    expect(await other.stats(sink)).toEqual(await outbox.stats(sink))
  })
}
