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

/** What turns out after a record was settled. */
export function correctionTests(harness: () => OutboxHarness): void {
  const entry = async (id = '') => {
    const { entries } = await harness().outbox.ledger(sink)
    return entries.find(({ record }) => record.id === id)
  }

  /** Three records: delivered, dead, discarded. */
  async function settled(): Promise<readonly string[]> {
    const records = ids(await harness().add(3))
    const batch = await harness().take()
    const { outbox } = harness()
    await outbox.settle(batch, [accepted, rejected, rejected])
    await outbox.discard(sink, records.slice(2))
    return records
  }

  test('what was accepted and refused afterwards is a dead letter, and can be requeued', async () => {
    const [delivered] = await settled()
    const { outbox } = harness()
    harness().nowMs += 5
    expect(
      await outbox.correct(sink, [delivered ?? ''], { state: 'dead', reason: 'no meter' }),
    ).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 0, dead: 2, discarded: 1 })
    expect((await outbox.deadLetters(sink)).at(-1)).toMatchObject({
      record: { id: delivered },
      reason: 'no meter',
      attempts: 1,
      failedAt: harness().nowMs,
    })
    expect(await entry(delivered)).toMatchObject({ state: 'dead', reason: 'no meter' })
    expect(await outbox.requeue(sink, [delivered ?? ''])).toBe(1)
    expect(idsOf(await harness().settleAll(accepted))).toEqual([delivered])
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, delivered: 1, dead: 1 })
  })

  test('a dead letter that did arrive is delivered', async () => {
    const [, dead] = await settled()
    const { outbox } = harness()
    expect(
      await outbox.correct(sink, [dead ?? ''], { state: 'delivered', reason: 'it arrived' }),
    ).toBe(1)
    expect(await outbox.deadLetters(sink)).toEqual([])
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 2, dead: 0, discarded: 1 })
    expect(await entry(dead)).toMatchObject({ state: 'delivered', deliveredEventIds: [] })
    expect((await entry(dead))?.reason).toBeUndefined()
    expect(await outbox.requeue(sink)).toBe(0)
  })

  test('a bill that was cancelled is discarded, with the reason', async () => {
    const [delivered, dead] = await settled()
    const { outbox } = harness()
    const both = [dead ?? '', delivered ?? '']
    expect(await outbox.correct(sink, both, { state: 'discarded', reason: 'cancelled' })).toBe(2)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 0, dead: 0, discarded: 3 })
    for (const id of both) {
      expect(await entry(id)).toMatchObject({ state: 'discarded', reason: 'cancelled' })
    }
    expect(await outbox.deadLetters(sink)).toEqual([])
    expect(await harness().claim()).toBeUndefined()
  })

  test('what was discarded can be delivered after all, or dead again', async () => {
    const [delivered, dead, discarded = ''] = await settled()
    const { outbox } = harness()
    expect(
      await outbox.correct(sink, [discarded], { state: 'dead', reason: 'wanted after all' }),
    ).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, dead: 2, discarded: 0 })
    const again = await outbox.deadLetters(sink)
    expect(again.map(({ record }) => record.id).toSorted()).toEqual([dead, discarded].toSorted())
    await outbox.discard(sink, [discarded])
    expect(
      await outbox.correct(sink, [discarded], { state: 'delivered', reason: 'it arrived' }),
    ).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 2, dead: 1, discarded: 0 })
    expect(await entry(delivered)).toMatchObject({ state: 'delivered' })
  })

  test('the same correction again moves nothing, and the first reason stays', async () => {
    const records = await settled()
    const { outbox } = harness()
    const twice = [...records, ...records, 'unknown']
    expect(await outbox.correct(sink, twice, { state: 'dead', reason: 'first' })).toBe(2)
    expect(await outbox.correct(sink, twice, { state: 'dead', reason: 'second' })).toBe(0)
    const reasons = (await outbox.deadLetters(sink)).map(({ reason }) => reason)
    expect(reasons.toSorted()).toEqual(['first', 'first', 'no such customer'])
    expect(await outbox.correct(sink, [], { state: 'delivered', reason: 'none' })).toBe(0)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, dead: 3, pending: 0 })
  })

  test('a refusal says why for machines too, until it is requeued', async () => {
    const { outbox } = harness()
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    const why = { code: 'uncertain', since: 12_345 }
    const batch = await harness().take()
    await outbox.settle(batch, [
      { ...rejected, ...why },
      { ...rejected, code: 'no_meter' },
      rejected,
    ])
    const letters = await outbox.deadLetters(sink)
    expect(letters).toMatchObject([why, { code: 'no_meter' }, {}])
    expect(letters[1]).not.toHaveProperty('since')
    expect(letters[2]).not.toHaveProperty('code')
    expect(await entry(first)).toMatchObject({ state: 'dead', ...why })
    // Given up, it is what it was; requeued, it begins anew.
    await outbox.discard(sink, [first])
    expect(await entry(first)).toMatchObject({ state: 'discarded', ...why })
    await outbox.requeue(sink, [second])
    expect(await entry(second)).not.toHaveProperty('code')
    expect(await entry(third)).not.toHaveProperty('code')
  })

  test('a correction says why for machines too, and that takes the place of what was said', async () => {
    const [delivered = '', dead = '', discarded = ''] = await settled()
    const { outbox } = harness()
    const why = { code: 'cancelled', since: 7 }
    expect(
      await outbox.correct(sink, [delivered, dead], { state: 'discarded', reason: 'why', ...why }),
    ).toBe(2)
    for (const id of [delivered, dead]) {
      expect(await entry(id)).toMatchObject({ state: 'discarded', reason: 'why', ...why })
    }
    const uncertain = { code: 'uncertain', since: 8, deliveredEventIds: [] }
    expect(
      await outbox.correct(sink, [discarded], { state: 'dead', reason: 'lost', ...uncertain }),
    ).toBe(1)
    expect(await outbox.deadLetters(sink)).toMatchObject([{ code: 'uncertain', since: 8 }])
    // A text says nothing, whatever it says.
    expect(
      await outbox.correct(sink, [delivered], {
        state: 'dead',
        reason: 'cancelled: uncertain since 8',
      }),
    ).toBe(1)
    expect(await entry(delivered)).not.toHaveProperty('code')
    expect(await entry(delivered)).not.toHaveProperty('since')
    // What is there already keeps what it has.
    expect(
      await outbox.correct(sink, [discarded], { state: 'dead', reason: 'again', code: 'other' }),
    ).toBe(0)
    expect(await entry(discarded)).toMatchObject({ reason: 'lost', code: 'uncertain', since: 8 })
  })

  test('what is pending, under way, waiting or unattributed stays', async () => {
    const { outbox } = harness()
    const requeued = ids(await harness().add(1))
    await harness().settleAll(rejected)
    const waiting = ids(await harness().add(1))
    await harness().settleAll({ ...retry, afterMs: 60_000 })
    const underWay = await harness().add(1)
    await harness().take()
    const unattributed = ids(await harness().add(1, { customer: null }))
    const fresh = ids(await harness().add(1))
    await outbox.requeue(sink)
    const before = await outbox.stats(sink)
    const every = [...requeued, ...waiting, ...ids(underWay), ...unattributed, ...fresh]
    for (const state of ['delivered', 'dead', 'discarded'] as const) {
      expect(await outbox.correct(sink, every, { state, reason: 'wrong' })).toBe(0)
    }
    expect(await outbox.stats(sink)).toEqual(before)
    expect(idsOf(await harness().take())).toEqual([...requeued, ...fresh])
  })

  test('a correction is for one sink, and makes none known', async () => {
    const records = await settled()
    const { outbox } = harness()
    expect(await outbox.correct('beta', records, { state: 'discarded', reason: 'wrong' })).toBe(0)
    expect(await outbox.stats('beta')).toMatchObject({ recorded: 3, pending: 3 })
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, dead: 1, discarded: 1 })
  })

  test('prune keeps what became a dead letter, and takes what was delivered after all', async () => {
    const [delivered = '', dead = '', discarded = ''] = await settled()
    const { outbox, nowMs } = harness()
    await outbox.correct(sink, [delivered], { state: 'dead', reason: 'no meter' })
    await outbox.correct(sink, [dead], { state: 'delivered', reason: 'it arrived' })
    expect(await outbox.prune(nowMs)).toBe(2)
    expect(await outbox.find(delivered)).toBeDefined()
    expect(await outbox.find(dead)).toBeUndefined()
    expect(await outbox.find(discarded)).toBeUndefined()
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, delivered: 1, discarded: 1 })
    expect(await outbox.correct(sink, [dead, discarded], { state: 'dead', reason: 'gone' })).toBe(0)
  })
}
