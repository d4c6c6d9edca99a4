import type { Batch, BatchMarks, SinkResult } from '@token-meter/core/adapter'
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

const nothing: BatchMarks = { sending: [], over: [], known: [] }

/** What is written of a batch request by request, and what is uncertain when nobody settles it. */
export function markTests(harness: () => OutboxHarness): void {
  const takeMarked = async (): Promise<Batch> => {
    const batch = await harness().outbox.claim(sink, { limit: 100, leaseMs, isMarked: true })
    if (batch === undefined) throw new Error('nothing could be claimed')
    return batch
  }
  /** As a process that was killed: its lease ends, and another has the batch. */
  const lose = async (): Promise<Batch> => {
    harness().nowMs += leaseMs
    return await takeMarked()
  }
  const mark = (batch: Batch, marks: Partial<BatchMarks>) =>
    harness().outbox.mark(batch, { ...nothing, ...marks })
  const sending = (request: number, recordId: string, ...eventIds: string[]) => ({
    sending: [{ request, parts: [{ recordIds: [recordId], eventIds }] }],
  })
  const arrived = (recordId: string, ...deliveredEventIds: string[]) => ({
    recordId,
    result: { ...retry, deliveredEventIds } satisfies SinkResult,
  })

  test('of a batch that is never settled, only what is marked is uncertain', async () => {
    const began = harness().nowMs
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    const batch = await takeMarked()
    expect(await mark(batch, sending(1, first, 'a'))).toBe(true)
    expect(await mark(batch, sending(2, second, 'x', 'y'))).toBe(true)
    const { entries } = await lose()
    expect(entries).toMatchObject([
      { record: { id: first }, uncertainSince: began, uncertainEventIds: ['a'] },
      { record: { id: second }, uncertainSince: began },
      { record: { id: third }, uncertainSince: undefined, attempts: 1 },
    ])
    expect(entries[1]?.uncertainEventIds?.toSorted()).toEqual(['x', 'y'])
    expect(entries[2]).not.toHaveProperty('uncertainEventIds')
  })

  test('nothing is uncertain before the first mark, and all of it where nobody marks', async () => {
    const began = harness().nowMs
    await harness().add(2)
    await takeMarked()
    expect((await lose()).entries.map((entry) => entry.uncertainSince)).toEqual([
      undefined,
      undefined,
    ])
    harness().nowMs += leaseMs
    const lostAt = harness().nowMs
    await harness().take()
    const again = await lose()
    expect(again.entries.map((entry) => entry.uncertainSince)).toEqual([lostAt, lostAt])
    expect(lostAt).toBeGreaterThan(began)
  })

  test('a request that is over is not uncertain, and what arrived by it is known', async () => {
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    const batch = await takeMarked()
    await mark(batch, {
      sending: [1, 2, 3].map((request) => ({
        request,
        parts: [{ recordIds: idsOf(batch).slice(request - 1, request), eventIds: ['a'] }],
      })),
    })
    await mark(batch, { over: [1, 2], known: [arrived(first, 'a'), arrived(second)] })
    const { entries } = await lose()
    expect(entries).toMatchObject([
      { record: { id: first }, uncertainSince: undefined, deliveredEventIds: ['a'] },
      { record: { id: second }, uncertainSince: undefined, deliveredEventIds: [] },
      { record: { id: third }, uncertainEventIds: ['a'], deliveredEventIds: [] },
    ])
  })

  test('records end one by one, whatever becomes of the others', async () => {
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    const batch = await takeMarked()
    const { outbox } = harness()
    await mark(batch, { known: [{ recordId: first, result: accepted }] })
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, pending: 2 })
    const refused = { ...rejected, code: 'no_meter', deliveredEventIds: ['x'] }
    await mark(batch, { known: [{ recordId: second, result: refused }] })
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, dead: 1, pending: 1 })
    expect(await outbox.deadLetters(sink)).toMatchObject([
      { record: { id: second }, reason: rejected.reason, code: 'no_meter' },
    ])
    // Known already, they are nothing new to the end of the batch, and what is left of it comes again.
    expect(await outbox.settle(batch, [accepted, retry, retry])).toBe(true)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, dead: 1, pending: 1 })
    const again = await takeMarked()
    expect(again.id).toBe(batch.id)
    expect(idsOf(again)).toEqual([third])
    // With the last one the batch is over.
    await mark(again, {
      ...sending(1, third, 'a'),
      known: [{ recordId: third, result: accepted }],
    })
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 2, dead: 1, pending: 0 })
    expect(await outbox.settle(again, [accepted])).toBe(false)
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(true)
    harness().nowMs += leaseMs
    expect(await harness().claim()).toBeUndefined()
  })

  test('who does not hold the batch marks nothing', async () => {
    const [first = ''] = ids(await harness().add(2))
    const slow = await takeMarked()
    const current = await lose()
    const known = [{ recordId: first, result: accepted }]
    expect(await mark(slow, { ...sending(1, first, 'a'), known })).toBe(false)
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 0, pending: 2 })
    await harness().outbox.settle(current, [retry, retry])
    expect(await mark(current, { known })).toBe(false)
    const { entries } = await takeMarked()
    expect(entries.map((entry) => entry.uncertainSince)).toEqual([undefined, undefined])
  })

  test('a mark of a claim ends with it, and what it left uncertain stays', async () => {
    const began = harness().nowMs
    const [first = '', second = ''] = ids(await harness().add(2))
    await mark(await takeMarked(), sending(1, first, 'a'))
    const again = await lose()
    await mark(again, sending(1, second, 'b'))
    await harness().outbox.settle(again, [retry, retry])
    expect((await takeMarked()).entries).toMatchObject([
      { uncertainSince: began, uncertainEventIds: ['a'] },
      { uncertainSince: undefined },
    ])
    const third = await lose()
    await mark(third, sending(1, first, 'c', 'a'))
    const [entry] = (await lose()).entries
    expect(entry?.uncertainSince).toBe(began)
    expect(entry?.uncertainEventIds?.toSorted()).toEqual(['a', 'c'])
  })

  test('a part of a sum is uncertain as such, by a mark and by a result', async () => {
    const records = ids(await harness().add(3))
    const recordIds = records.slice(0, 2)
    const batch = await takeMarked()
    const parts = [{ recordIds, eventIds: ['s:input'], sumId: 's' }]
    await mark(batch, { sending: [{ request: 1, parts }] })
    const again = await lose()
    const inSum = { uncertainEventIds: ['s:input'], uncertainIn: 's' }
    expect(again.entries).toMatchObject([inSum, inSum, { uncertainSince: undefined }])
    expect(again.entries[2]).not.toHaveProperty('uncertainIn')
    const lost = { ...retry, uncertain: true, uncertainEventIds: ['t'], uncertainIn: 't' } as const
    await harness().outbox.settle(again, [retry, retry, lost])
    const third = await takeMarked()
    expect(third.entries).toMatchObject([
      inSum,
      inSum,
      { uncertainEventIds: ['t'], uncertainIn: 't' },
    ])
    // Refused and requeued, nothing of it is left.
    await harness().outbox.settle(third, [rejected, rejected, rejected])
    await harness().outbox.requeue(sink)
    for (const entry of (await takeMarked()).entries) {
      expect(entry.uncertainSince).toBeUndefined()
      expect(entry).not.toHaveProperty('uncertainIn')
      expect(entry).not.toHaveProperty('uncertainEventIds')
    }
  })

  test('where any event may have arrived, a narrower doubt does not narrow it', async () => {
    await harness().add(1)
    const uncertain = { ...retry, uncertain: true } as const
    await harness().settleAll(uncertain)
    await harness().settleAll({ ...uncertain, uncertainEventIds: ['a'] })
    expect((await harness().take()).entries[0]).not.toHaveProperty('uncertainEventIds')
  })

  test('a sink that is forgotten leaves no mark', async () => {
    const [first = ''] = ids(await harness().add(1))
    const batch = await takeMarked()
    await mark(batch, sending(1, first, 'a'))
    expect(await harness().outbox.removeSink(sink)).toBe(true)
    expect(await mark(batch, sending(2, first, 'a'))).toBe(false)
    expect((await takeMarked()).entries).toMatchObject([{ uncertainSince: undefined }])
  })
}
