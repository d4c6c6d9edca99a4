import type { Batch } from '@token-meter/core/adapter'
import { expect, test } from 'vitest'
import {
  accepted,
  ids,
  idsOf,
  type OutboxHarness,
  leaseMs,
  rejected,
  retry,
  sink,
} from './outbox-harness.ts'

/** What may have been delivered by the original of a copy. */
export function distrustTests(harness: () => OutboxHarness): void {
  const sinceOf = ({ entries }: Batch) => entries.map((entry) => entry.uncertainSince)

  test('what waits is uncertain since the time of the backup, what comes later is not', async () => {
    await harness().add(2)
    harness().nowMs += 10_000
    const backupAt = harness().nowMs - 3000
    expect(await harness().outbox.distrust(backupAt)).toBe(2)
    await harness().add(1)
    const batch = await harness().take()
    expect(sinceOf(batch)).toEqual([backupAt, backupAt, undefined])
    expect(batch.entries).toMatchObject([{ attempts: 0 }, { attempts: 0 }, { attempts: 0 }])
  })

  test('it stays so on every attempt, and is over once the record is accepted', async () => {
    await harness().add(1)
    const backupAt = harness().nowMs - 3000
    await harness().outbox.distrust(backupAt)
    expect(sinceOf(await harness().settleAll(retry))).toEqual([backupAt])
    expect(sinceOf(await harness().settleAll(accepted))).toEqual([backupAt])
    expect(await harness().outbox.stats(sink)).toMatchObject({ pending: 0, delivered: 1 })
    await harness().add(1)
    expect(sinceOf(await harness().take())).toEqual([undefined])
  })

  test('without a time it is since the outbox was opened at the latest', async () => {
    const openedAt = harness().nowMs
    await harness().add(1)
    await harness().outbox.position()
    harness().nowMs += 25 * 60 * 60_000
    expect(await harness().outbox.distrust()).toBe(1)
    const [since] = sinceOf(await harness().take())
    expect(since).toBe(openedAt)
  })

  test('never in the time to come', async () => {
    await harness().add(1)
    await harness().outbox.distrust(harness().nowMs + 5000)
    expect(sinceOf(await harness().take())).toEqual([harness().nowMs])
  })

  test('what is no time is refused, and changes nothing', async () => {
    await harness().add(1)
    const distrust = async (since: unknown) => harness().outbox.distrust(since as number)
    for (const since of [Number.NaN, Infinity, '2026', new Date(), null]) {
      await expect(distrust(since)).rejects.toMatchObject({ code: 'config' })
    }
    expect(sinceOf(await harness().take())).toEqual([undefined])
  })

  test('batches that wait for their retry and those under way are uncertain too', async () => {
    await harness().add(1)
    await harness().settleAll({ ...retry, afterMs: 5000 })
    harness().nowMs += 100
    await harness().add(1)
    const claimedAt = harness().nowMs
    await harness().take()
    harness().nowMs += 10_000
    expect(await harness().outbox.distrust(claimedAt + 50)).toBe(2)
    const batches = [await harness().take(), await harness().take()]
    const since = new Map(batches.map((batch) => [idsOf(batch)[0], sinceOf(batch)[0]]))
    expect([...since.values()].toSorted()).toEqual([claimedAt, claimedAt + 50])
  })

  test('what was uncertain before stays so, what is distrusted again is so since the earlier', async () => {
    const began = harness().nowMs
    await harness().add(1)
    await harness().settleAll({ ...retry, uncertain: true })
    harness().nowMs += 1000
    await harness().add(1)
    await harness().outbox.distrust(harness().nowMs)
    await harness().outbox.distrust(harness().nowMs - 400)
    await harness().outbox.distrust(harness().nowMs)
    expect(sinceOf(await harness().take())).toEqual([began])
    expect(sinceOf(await harness().take())).toEqual([harness().nowMs - 400])
  })

  test('every sink has to doubt it, one that is not known yet too', async () => {
    await harness().add(2)
    await harness().settleAll(accepted, 'done')
    await harness().settleAll(retry, 'busy')
    const at = harness().nowMs - 1
    expect(await harness().outbox.distrust(at)).toBe(2)
    expect(sinceOf(await harness().take(10, 'busy'))).toEqual([at, at])
    expect(sinceOf(await harness().take(10, 'later'))).toEqual([at, at])
    expect(await harness().claim(10, 'done')).toBeUndefined()
  })

  test('a dead letter that is requeued afterwards is certain: the operator has decided', async () => {
    const [record] = await harness().add(1)
    await harness().settleAll(rejected)
    expect(await harness().outbox.distrust(harness().nowMs)).toBe(0)
    expect(await harness().outbox.deadLetters(sink)).toMatchObject([{ record }])
    await harness().outbox.requeue(sink)
    expect(sinceOf(await harness().take())).toEqual([undefined])
  })

  test('one that was requeued before it is not', async () => {
    await harness().add(1)
    await harness().settleAll(rejected)
    await harness().outbox.requeue(sink)
    const at = (harness().nowMs += 5)
    expect(await harness().outbox.distrust(at)).toBe(1)
    expect(sinceOf(await harness().take())).toEqual([at])
  })

  test('who is named as the payer of a record afterwards changes nothing about it', async () => {
    const records = await harness().add(2, { customer: null })
    await harness().add(1)
    await harness().settleAll(accepted)
    const at = (harness().nowMs += 5)
    expect(await harness().outbox.distrust(at)).toBe(0)
    await harness().outbox.attribute(ids(records), 'cus_2')
    const batch = await harness().take()
    expect(idsOf(batch)).toEqual(ids(records))
    expect(sinceOf(batch)).toEqual([at, at])
  })

  test('any event may have arrived, and a sum that is known stays so', async () => {
    await harness().add(1)
    const inSum = {
      ...retry,
      uncertain: true,
      uncertainIn: 'sum',
      uncertainEventIds: ['a'],
    } as const
    await harness().settleAll(inSum)
    await harness().outbox.distrust(harness().nowMs)
    const [entry] = (await harness().take()).entries
    expect(entry).toMatchObject({ uncertainIn: 'sum' })
    expect(entry).not.toHaveProperty('uncertainEventIds')
  })

  test('of a batch of before, the original may have made sums; what goes out here is known', async () => {
    await harness().add(1)
    const { id } = await harness().settleAll(retry)
    await harness().add(1)
    await harness().outbox.distrust(harness().nowMs)
    const batch = await harness().take()
    expect(batch).toMatchObject({ id, entries: [{ uncertainIn: id }] })
    const [waiting] = (await harness().take()).entries
    expect(waiting).toHaveProperty('uncertainSince', harness().nowMs)
    expect(waiting).not.toHaveProperty('uncertainIn')
    // Nothing of it went out.
    await harness().outbox.settle(batch, [retry])
    const again = await harness().take()
    expect(again.entries).toMatchObject([{ uncertainIn: id }])
    await harness().outbox.settle(again, [{ ...retry, uncertain: true }])
    const [alone] = (await harness().take()).entries
    expect(alone).toHaveProperty('uncertainSince')
    expect(alone).not.toHaveProperty('uncertainIn')
  })

  test('what has no mark is certain of this process only, not of the original', async () => {
    const records = await harness().add(4)
    const { outbox } = harness()
    const batch = await outbox.claim(sink, { limit: 10, leaseMs, isMarked: true })
    if (batch === undefined) throw new Error('nothing could be claimed')
    const [first = '', second = '', third = ''] = ids(records)
    const parts = [
      { recordIds: [first], eventIds: ['a'], sumId: 'sum' },
      { recordIds: [second], eventIds: ['a'] },
    ]
    await outbox.mark(batch, { sending: [{ request: 1, parts }], over: [], known: [] })
    await outbox.distrust(harness().nowMs)
    const later = [{ recordIds: [third], eventIds: ['b'] }]
    await outbox.mark(batch, { sending: [{ request: 2, parts: later }], over: [], known: [] })
    harness().nowMs += leaseMs
    const { entries } = await harness().take()
    expect(entries.map((entry) => entry.uncertainIn)).toEqual([
      'sum',
      undefined,
      undefined,
      batch.id,
    ])
    for (const entry of entries) {
      expect(entry).toHaveProperty('uncertainSince')
      expect(entry).not.toHaveProperty('uncertainEventIds')
    }
  })

  test('a batch under way can still be settled', async () => {
    await harness().add(1)
    const batch = await harness().take()
    await harness().outbox.distrust(harness().nowMs)
    expect(await harness().outbox.settle(batch, [accepted])).toBe(true)
    harness().nowMs += leaseMs
    expect(await harness().claim()).toBeUndefined()
  })

  test('nothing waits: 0', async () => {
    expect(await harness().outbox.distrust()).toBe(0)
    await harness().add(1)
    await harness().settleAll(accepted)
    expect(await harness().outbox.distrust()).toBe(0)
  })
}
