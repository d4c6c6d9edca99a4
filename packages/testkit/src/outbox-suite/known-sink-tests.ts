import { expect, test } from 'vitest'
import { type OutboxHarness, accepted, ids, idsOf, rejected, sink } from './outbox-harness.ts'

/** Sinks that come after the records, and sinks that go. */
export function knownSinkTests(harness: () => OutboxHarness): void {
  test('a sink that is registered begins with the first record from then on', async () => {
    const { outbox } = harness()
    await harness().add(2, { at: 1000 })
    const first = ids(await harness().add(2, { at: 2000 }))
    // In order of coming: what came after the first is counted, whatever its time.
    const counted = [...first, ...ids(await harness().add(1, { at: 1500 }))]
    expect(await outbox.registerSink('late', { sinceMs: 2000 })).toBe(true)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 3, pending: 3 })
    const { entries } = await outbox.ledger('late')
    expect(ids(entries.map(({ record }) => record))).toEqual(counted)
    expect(idsOf(await harness().settleAll(accepted, 'late'))).toEqual(counted)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 3, delivered: 3, pending: 0 })
    expect(await outbox.isSettled('late', await outbox.position())).toBe(true)
  })

  test('where no record is that late, it begins with the next one', async () => {
    const { outbox } = harness()
    await harness().add(2, { at: 1000 })
    expect(await outbox.registerSink('late', { sinceMs: 5000 })).toBe(true)
    expect(await outbox.nextDueAt('late')).toBeUndefined()
    expect(await harness().claim(10, 'late')).toBeUndefined()
    const next = ids(await harness().add(1, { at: 1000 }))
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, pending: 1 })
    expect(idsOf(await harness().claim(10, 'late'))).toEqual(next)
  })

  test('in an empty outbox it begins with the first', async () => {
    const { outbox } = harness()
    expect(await outbox.registerSink('late', { sinceMs: 0 })).toBe(true)
    const records = ids(await harness().add(2, { at: 0 }))
    expect(idsOf(await harness().claim(10, 'late'))).toEqual(records)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 2 })
  })

  test('a sink that is known stays as it is', async () => {
    const { outbox } = harness()
    await harness().add(1, { at: 1000 })
    await harness().take()
    expect(await outbox.registerSink(sink, { sinceMs: 5000 })).toBe(false)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 1, pending: 1 })
    expect(await outbox.registerSink('late', { sinceMs: 5000 })).toBe(true)
    expect(await outbox.registerSink('late', { sinceMs: 0 })).toBe(false)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 0 })
  })

  test('what came before is not unattributed, dead or corrected for it', async () => {
    const { outbox } = harness()
    const nobody = ids(await harness().add(1, { at: 1000, customer: null }))
    const before = [...nobody, ...ids(await harness().add(1, { at: 1000 }))]
    await outbox.registerSink('late', { sinceMs: 2000 })
    const after = ids(await harness().add(1, { at: 3000, customer: null }))
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, unattributed: 1 })
    expect(await outbox.attribute([...before, ...after], 'cus_1')).toBe(2)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, pending: 1, unattributed: 0 })
    expect(idsOf(await harness().settleAll(accepted, 'late'))).toEqual(after)
    expect(await outbox.correct('late', before, { state: 'dead', reason: 'wrong' })).toBe(0)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, delivered: 1 })
    // For a sink of the first hour they are pending.
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, pending: 3 })
  })

  test('it does not hold up the pruning of what came before, and its counters go on', async () => {
    const { outbox } = harness()
    await harness().add(3, { at: 1000 })
    await harness().settleAll(accepted)
    await harness().add(1, { at: 2000 })
    expect(await outbox.registerSink('late', { sinceMs: 2000 })).toBe(true)
    expect(await outbox.prune(5000)).toBe(3)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, pending: 1 })
    await harness().settleAll(accepted, 'late')
    await harness().settleAll(accepted)
    expect(await outbox.prune(5000)).toBe(1)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 1, delivered: 1, pending: 0 })
  })

  test('what was pruned before it came is not counted for it', async () => {
    const { outbox } = harness()
    await harness().add(1, { at: 1000 })
    await harness().add(1, { at: 3000 })
    await harness().add(1, { at: 1000 })
    await harness().settleAll(accepted)
    expect(await outbox.prune(2000)).toBe(2)
    await harness().add(2, { at: 4000 })
    expect(await outbox.registerSink('late', { sinceMs: 3000 })).toBe(true)
    expect(await outbox.stats('late')).toMatchObject({ recorded: 3, pending: 3 })
    expect(await outbox.registerSink('later', { sinceMs: 4000 })).toBe(true)
    expect(await outbox.stats('later')).toMatchObject({ recorded: 2, pending: 2 })
  })

  test('a forgotten sink holds up no pruning', async () => {
    const { outbox } = harness()
    await harness().add(3, { at: 1000 })
    await harness().settleAll(accepted)
    const old = await harness().take(2, 'old')
    await outbox.settle(old, [accepted, rejected])
    await outbox.registerSink('never used', { sinceMs: 0 })
    expect(await outbox.prune(2000)).toBe(0)
    expect(await outbox.removeSink('old')).toBe(true)
    expect(await outbox.prune(2000)).toBe(0)
    expect(await outbox.removeSink('never used')).toBe(true)
    expect(await outbox.prune(2000)).toBe(3)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, delivered: 3 })
  })

  test('what a forgotten sink had under way can no longer be settled', async () => {
    const { outbox } = harness()
    await harness().add(2)
    const batch = await harness().take(1, 'old')
    expect(await outbox.removeSink('old')).toBe(true)
    expect(await outbox.settle(batch, [accepted])).toBe(false)
    expect(await outbox.deadLetters('old')).toEqual([])
    expect(await outbox.removeSink('old')).toBe(false)
    expect(await outbox.removeSink('never known')).toBe(false)
  })

  test('a forgotten sink that comes back is a new one', async () => {
    const { outbox } = harness()
    const records = ids(await harness().add(3))
    const batch = await harness().take(2, 'old')
    await outbox.settle(batch, [accepted, rejected])
    await outbox.removeSink('old')
    expect(await outbox.stats('old')).toMatchObject({ recorded: 3, pending: 3, delivered: 0 })
    const again = await harness().take(10, 'old')
    expect(idsOf(again)).toEqual(records)
    expect(again.entries.map(({ attempts }) => attempts)).toEqual([0, 0, 0])
    await outbox.removeSink('old')
    expect(await outbox.registerSink('old', { sinceMs: harness().nowMs + 1 })).toBe(true)
    expect(await outbox.stats('old')).toMatchObject({ recorded: 0 })
  })
}
