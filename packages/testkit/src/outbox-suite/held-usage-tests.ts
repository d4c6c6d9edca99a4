import type { Batch } from '@token-meter/core/adapter'
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

const testUsage = { livemode: false }

/** Usage that a sink is not given unless somebody says so. */
export function heldUsageTests(harness: () => OutboxHarness): void {
  const live = (limit = 100, from = sink) =>
    harness().outbox.claim(from, { limit, leaseMs, isLive: true })
  const states = async (from = sink) => {
    const { entries } = await harness().outbox.ledger(from)
    return Object.fromEntries(entries.map(({ record, state }) => [record.id, state]))
  }

  test('a live sink gets no test usage; another gets all', async () => {
    const { outbox } = harness()
    const first = ids(await harness().add(2, testUsage))
    const sent = ids(await harness().add(1, { livemode: true }))
    const between = ids(await harness().add(1, testUsage))
    const alsoSent = ids(await harness().add(1))
    const batch = await live()
    expect(idsOf(batch)).toEqual([...sent, ...alsoSent])
    if (batch !== undefined) await outbox.settle(batch, [accepted, accepted])
    expect(await live()).toBeUndefined()
    expect(await outbox.stats(sink)).toEqual({
      recorded: 5,
      pending: 0,
      delivered: 2,
      dead: 0,
      unattributed: 0,
      discarded: 0,
      held: 3,
    })
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(true)
    expect(await outbox.nextDueAt(sink)).toBeUndefined()
    expect(await outbox.deadLetters(sink)).toEqual([])
    const held = [...first, ...between]
    expect(await states()).toMatchObject(Object.fromEntries(held.map((id) => [id, 'held'])))
    const page = await outbox.ledger(sink, { states: ['held'] })
    expect(ids(page.entries.map(({ record }) => record))).toEqual(held)
    expect(await outbox.correct(sink, held, { state: 'delivered', reason: 'looked up' })).toBe(0)
    // A sandbox.
    expect(idsOf(await harness().claim(10, 'beta'))).toEqual([
      ...first,
      ...sent,
      ...between,
      ...alsoSent,
    ])
  })

  test('a backlog of it is passed over, a limit at a time', async () => {
    await harness().outbox.append(harness().many(250, testUsage))
    const last = ids(await harness().add(1))
    let batch = await live(10)
    for (let looks = 0; batch === undefined && looks < 20; looks++) batch = await live(10)
    expect(idsOf(batch)).toEqual(last)
    expect(await harness().outbox.stats(sink)).toMatchObject({ pending: 1, held: 250 })
  })

  test('what is released goes out, and is never held again', async () => {
    const { outbox } = harness()
    const [first, second, third] = ids(await harness().add(3, testUsage))
    expect(await live()).toBeUndefined()
    expect(await outbox.release(sink, [second ?? '', 'unknown'])).toBe(1)
    expect(await outbox.release(sink, [second ?? ''])).toBe(0)
    expect(await outbox.stats(sink)).toMatchObject({ pending: 1, held: 2 })
    const batch = await live()
    expect(idsOf(batch)).toEqual([second])
    expect(batch?.entries[0]).toMatchObject({ attempts: 0, deliveredEventIds: [] })
    // Neither as a retry, nor as a dead letter that is requeued.
    if (batch !== undefined) await outbox.settle(batch, [retry])
    const again = await live()
    expect(idsOf(again)).toEqual([second])
    if (again !== undefined) await outbox.settle(again, [rejected])
    expect(await outbox.requeue(sink)).toBe(1)
    expect(idsOf(await live())).toEqual([second])
    expect(await outbox.release(sink)).toBe(2)
    expect(idsOf(await live())).toEqual([first, third])
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, pending: 3, held: 0 })
  })

  test('what is dropped is discarded', async () => {
    const { outbox } = harness()
    const [first] = ids(await harness().add(3, testUsage))
    expect(await live()).toBeUndefined()
    expect(await outbox.drop(sink, [first ?? ''])).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, held: 2, discarded: 1 })
    expect(await outbox.drop(sink)).toBe(2)
    expect(await outbox.drop(sink)).toBe(0)
    expect(await outbox.release(sink)).toBe(0)
    expect(await outbox.stats(sink)).toMatchObject({ held: 0, discarded: 3, pending: 0 })
    expect(await live()).toBeUndefined()
  })

  test('a batch that a sandbox did not take is not given out under a live key', async () => {
    const { outbox } = harness()
    const [first, second] = ids(await harness().add(2, testUsage))
    const both = ids(await harness().add(1))
    const sandbox = await harness().take()
    await outbox.settle(sandbox, [
      { ...retry, uncertain: true, deliveredEventIds: ['a'] },
      { ...rejected },
      retry,
    ])
    const alone = await harness().add(1, testUsage)
    const other = await harness().take(1)
    expect(other.id).toBe(sandbox.id)
    await outbox.settle(other, [retry, retry])
    const batch = await live()
    expect(batch?.id).toBe(sandbox.id)
    expect(idsOf(batch)).toEqual(both)
    // Nor what it had refused.
    expect(await outbox.requeue(sink)).toBe(1)
    expect(await live()).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ pending: 1, held: 3, dead: 0 })
    expect(await outbox.release(sink, [first ?? ''])).toBe(1)
    // What the sandbox had of it says nothing.
    expect((await live())?.entries[0]).toMatchObject({
      record: { id: first },
      attempts: 0,
      firstAttemptAt: undefined,
      uncertainSince: undefined,
      deliveredEventIds: [],
    })
    expect(await states()).toMatchObject({ [second ?? '']: 'held', [alone[0]?.id ?? '']: 'held' })
  })

  test('what a sandbox marked as in flight says nothing of what is held, and stays with the rest', async () => {
    const { outbox } = harness()
    const claimedAt = harness().nowMs
    const [held = ''] = ids(await harness().add(1, testUsage))
    const [sent = ''] = ids(await harness().add(1))
    const lost = await outbox.claim(sink, { limit: 100, leaseMs, isMarked: true })
    const parts = [held, sent].map((id) => ({ recordIds: [id], eventIds: [`${id}:input`] }))
    if (lost === undefined) throw new Error('nothing could be claimed')
    const marks = { sending: [{ request: 1, parts }], over: [], known: [] }
    expect(await outbox.mark(lost, marks)).toBe(true)
    harness().nowMs += leaseMs
    const batch = await outbox.claim(sink, { limit: 100, leaseMs, isMarked: true, isLive: true })
    expect(batch?.entries).toMatchObject([
      { record: { id: sent }, uncertainSince: claimedAt, uncertainEventIds: [`${sent}:input`] },
    ])
    if (batch !== undefined) await outbox.settle(batch, [accepted])
    expect(await outbox.release(sink)).toBe(1)
    const released = await outbox.claim(sink, { limit: 100, leaseMs, isMarked: true, isLive: true })
    expect(released?.entries).toMatchObject([{ record: { id: held }, uncertainSince: undefined }])
    expect(released?.entries[0]).not.toHaveProperty('uncertainEventIds')
  })

  test('a batch of nothing else ends, and the next one is due', async () => {
    const { outbox } = harness()
    await harness().add(1, testUsage)
    const sandbox = await harness().settleAll({ ...retry, afterMs: 10 })
    const [record] = await harness().add(1)
    const next = await harness().settleAll({ ...retry, afterMs: 20 })
    expect(sandbox.id).not.toBe(next.id)
    harness().nowMs += 20
    const batch = await live()
    expect(batch?.id).toBe(next.id)
    expect(idsOf(batch)).toEqual([record?.id])
    if (batch !== undefined) await outbox.settle(batch, [accepted])
    expect(await outbox.nextDueAt(sink)).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, held: 1, pending: 0 })
  })

  test('test usage that is attributed late is held as well', async () => {
    const { outbox } = harness()
    const nobody = ids(await harness().add(1, { ...testUsage, customer: null }))
    expect(await live()).toBeUndefined()
    expect(await outbox.attribute(nobody, 'cus_late')).toBe(1)
    expect(await live()).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ held: 1, unattributed: 0, pending: 0 })
  })

  test('a sink that is really new gets no test usage for that', async () => {
    const { outbox } = harness()
    await harness().add(1, testUsage)
    const [sent] = ids(await harness().add(1))
    await harness().settleAll(accepted, 'old')
    await outbox.registerSink(sink, { heldFor: ['old'] })
    expect(await live()).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ held: 2 })
    await outbox.removeSink('old')
    expect(idsOf(await live())).toEqual([sent])
    expect(await outbox.stats(sink)).toMatchObject({ held: 1, pending: 1 })
  })

  test('in a copy the original may have sent what is held, and what lies between it', async () => {
    const { outbox } = harness()
    const sinceOf = (batch: Batch | undefined) =>
      batch?.entries.map((entry) => entry.uncertainSince)
    await harness().add(1, testUsage)
    expect(await live()).toBeUndefined()
    await harness().add(2, testUsage)
    const between = ids(await harness().add(1))
    await harness().add(1, testUsage)
    harness().nowMs += 10_000
    const backupAt = harness().nowMs - 3000
    expect(await outbox.distrust(backupAt)).toBe(4)
    await harness().add(1, testUsage)
    const batch = await live()
    expect([idsOf(batch), sinceOf(batch)]).toEqual([between, [backupAt]])
    if (batch !== undefined) await outbox.settle(batch, [accepted])
    expect(await outbox.stats(sink)).toMatchObject({ held: 5, pending: 0 })
    expect(await outbox.distrust(backupAt)).toBe(0)
    const last = ids(await harness().add(1, testUsage))
    expect(await live()).toBeUndefined()
    expect(await outbox.release(sink, last)).toBe(1)
    expect(sinceOf(await live())).toEqual([undefined])
    expect(await outbox.release(sink)).toBe(5)
    expect(sinceOf(await live())).toEqual(Array(5).fill(backupAt))
  })

  test.each(['forgotten', 'renamed', 'begun'])(
    'in a copy so is what was held for a sink until the old one is %s',
    async (how) => {
      const { outbox } = harness()
      await harness().add(1)
      await harness().settleAll(accepted, 'old')
      await harness().add(1)
      await outbox.registerSink(sink, { heldFor: ['old'] })
      harness().nowMs += 10_000
      const backupAt = harness().nowMs - 3000
      await outbox.distrust(backupAt)
      expect(await live()).toBeUndefined()
      if (how === 'forgotten') await outbox.removeSink('old')
      else if (how === 'renamed') await outbox.rename('old', sink)
      else await outbox.registerSink(sink, { sinceMs: 0 })
      await harness().add(1)
      const entries = (await live())?.entries.map(({ uncertainSince }) => uncertainSince)
      expect(entries).toEqual([...Array(how === 'renamed' ? 1 : 2).fill(backupAt), undefined])
    },
  )

  test('what is held is pruned when it is old, and counted as discarded', async () => {
    const { outbox } = harness()
    await harness().add(2, { ...testUsage, at: 1000 })
    await harness().add(1, { at: 1000 })
    const batch = await live()
    if (batch !== undefined) await outbox.settle(batch, [accepted])
    await harness().add(1, { ...testUsage, at: 3000 })
    expect(await live()).toBeUndefined()
    expect(await outbox.prune(2000)).toBe(3)
    expect(await outbox.stats(sink)).toMatchObject({
      recorded: 4,
      delivered: 1,
      discarded: 2,
      held: 1,
      pending: 0,
    })
    expect(await outbox.release(sink)).toBe(1)
    expect(await outbox.prune(9000)).toBe(0)
  })
}
