import { expect, test } from 'vitest'
import {
  accepted,
  ids,
  idsOf,
  leaseMs,
  type OutboxHarness,
  rejected,
  sink,
} from './outbox-harness.ts'

const covered = { status: 'accepted', code: 'covered' } as const

/** What prepaid credit has paid for, and the books beside the records that say so. */
export function coveredTests(harness: () => OutboxHarness): void {
  const books = 'credits'
  /** The books have seen all, and say the same of each. */
  const see = async (result: typeof covered | typeof accepted = accepted) => {
    const { outbox } = harness()
    await outbox.attend(books, 'books')
    const batch = await harness().take(100, books)
    await outbox.settle(
      batch,
      batch.entries.map(() => result),
    )
    return idsOf(batch)
  }

  test('what is covered is settled, counted apart and pruned', async () => {
    const { outbox } = harness()
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    const batch = await harness().take()
    expect(await outbox.settle(batch, [covered, accepted, covered])).toBe(true)
    expect(await outbox.stats(sink)).toEqual({
      recorded: 3,
      pending: 0,
      delivered: 1,
      dead: 0,
      unattributed: 0,
      discarded: 0,
      held: 0,
      covered: 2,
    })
    expect(await outbox.statesOf(sink, [second, first, 'unknown', third])).toEqual([
      'delivered',
      'covered',
      undefined,
      'covered',
    ])
    const { entries } = await outbox.ledger(sink, { states: ['covered'] })
    expect(entries).toMatchObject([
      { record: { id: first }, state: 'covered', code: 'covered' },
      { record: { id: third }, state: 'covered' },
    ])
    expect(await outbox.isSettled(sink, await outbox.position())).toBe(true)
    expect(await outbox.deadLetters(sink)).toEqual([])
    expect(await outbox.prune(harness().nowMs * 2)).toBe(3)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 3, covered: 2, pending: 0 })
  })

  test('a part of a batch can be covered while it is being sent', async () => {
    const { outbox } = harness()
    const [first = '', second = ''] = ids(await harness().add(2))
    const batch = await harness().take()
    const known = [{ recordId: first, result: covered }]
    expect(await outbox.mark(batch, { sending: [], over: [], known })).toBe(true)
    expect(await outbox.statesOf(sink, [first, second])).toEqual(['covered', 'pending'])
    expect(await outbox.settle({ ...batch, entries: batch.entries.slice(1) }, [accepted])).toBe(
      true,
    )
    expect(await outbox.stats(sink)).toMatchObject({ delivered: 1, covered: 1, pending: 0 })
  })

  test('what is covered can be given up, or sent after all, and is counted as that', async () => {
    const { outbox } = harness()
    const [first = '', second = ''] = ids(await harness().add(2))
    await harness().settleAll(covered)
    const given = { state: 'discarded', reason: 'cancelled' } as const
    expect(await outbox.correct(sink, [first], given)).toBe(1)
    expect(await outbox.correct(sink, [first], given)).toBe(0)
    expect(await outbox.correct(sink, [second], { state: 'dead', reason: 'to be sent' })).toBe(1)
    expect(await outbox.stats(sink)).toMatchObject({ discarded: 1, dead: 1 })
    expect((await outbox.stats(sink)).covered).toBeUndefined()
    expect(await outbox.requeue(sink)).toBe(1)
    await harness().settleAll(accepted)
    expect(await outbox.stats(sink)).toMatchObject({ discarded: 1, delivered: 1, pending: 0 })
    const notForUse = { state: 'discarded', code: 'covered', reason: 'mine' } as const
    await expect((async () => await outbox.correct(sink, [second], notForUse))()).rejects.toThrow(
      /covered/,
    )
  })

  test('the books see again what is corrected, given up or released at a sink', async () => {
    const { outbox } = harness()
    const [first = '', second = '', third = ''] = ids(await harness().add(3))
    expect(await see(covered)).toEqual([first, second, third])
    await harness().settleAll(covered)
    expect(await outbox.correct(sink, [second], { state: 'dead', reason: 'looked up' })).toBe(1)
    expect(await see()).toEqual([second])
    expect(await outbox.discard(sink)).toBe(1)
    expect(await see(covered)).toEqual([second])
    expect(await outbox.correct(sink, [first], { state: 'discarded', reason: 'cancelled' })).toBe(1)
    expect(await see()).toEqual([first])
    expect(await outbox.stats(books)).toMatchObject({ covered: 2, delivered: 1, pending: 0 })
    // Nothing that changed nothing.
    expect(await outbox.correct(sink, [first], { state: 'discarded', reason: 'again' })).toBe(0)
    expect(await harness().claim(10, books)).toBeUndefined()
  })

  test('test usage is held for live books too, and released with it', async () => {
    const { outbox } = harness()
    const [one = '', other = ''] = ids(await harness().add(2, { livemode: false }))
    const live = (from: string) => outbox.claim(from, { limit: 10, leaseMs, isLive: true })
    await outbox.attend(books, 'books')
    expect([await live(sink), await live(books)]).toEqual([undefined, undefined])
    expect(await outbox.release(sink, [one])).toBe(1)
    expect(idsOf(await live(books))).toEqual([one])
    expect(await outbox.release(sink)).toBe(1)
    expect(idsOf(await live(books))).toEqual([other])
  })

  test('a refused record is not covered, and goes on as any dead letter', async () => {
    const { outbox } = harness()
    await harness().add(1)
    await see()
    await harness().settleAll(rejected)
    expect(await outbox.requeue(sink)).toBe(1)
    expect(await harness().claim(10, books)).toBeUndefined()
  })

  test('it is counted how often it turned out to be a copy', async () => {
    const { outbox } = harness()
    await harness().add(1)
    expect(await outbox.restored()).toBe(0)
    await outbox.distrust()
    expect(await outbox.restored()).toBe(1)
  })
}
