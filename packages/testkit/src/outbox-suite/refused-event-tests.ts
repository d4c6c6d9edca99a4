import { expect, test } from 'vitest'
import { accepted, type OutboxHarness, rejected, sink } from './outbox-harness.ts'

/** What a backend refuses after it has accepted it: `correct` with single events. */
export function refusedEventTests(harness: () => OutboxHarness): void {
  const onlyEntry = async () => (await harness().outbox.ledger(sink)).entries[0]
  const refuse = (id: string, refused: string[], delivered: string[]) =>
    harness().outbox.correct(sink, [id], {
      state: 'dead',
      reason: 'refused afterwards',
      refusedEventIds: refused,
      deliveredEventIds: delivered,
    })

  /** A record that was delivered, then its input refused, then requeued. */
  async function requeuedAfterRefusal(): Promise<string> {
    const [{ id } = { id: '' }] = await harness().add(1)
    await harness().settleAll(accepted)
    await refuse(id, [`${id}:input`], [`${id}:output`])
    await harness().outbox.requeue(sink, [id])
    return id
  }

  test('a delivered record becomes a dead letter that knows what arrived and what was refused', async () => {
    const [{ id } = { id: '' }] = await harness().add(1)
    await harness().settleAll(accepted)
    expect(await refuse(id, [`${id}:input`], [`${id}:output`])).toBe(1)
    expect(await onlyEntry()).toMatchObject({
      state: 'dead',
      reason: 'refused afterwards',
      deliveredEventIds: [`${id}:output`],
      refusedEventIds: [`${id}:input`],
    })
    expect(await harness().outbox.stats(sink)).toMatchObject({ delivered: 0, dead: 1 })
  })

  test('a batch after the requeue names both', async () => {
    const id = await requeuedAfterRefusal()
    const batch = await harness().take()
    expect(batch.entries).toMatchObject([
      { deliveredEventIds: [`${id}:output`], refusedEventIds: [`${id}:input`] },
    ])
  })

  test('the same report again moves nothing, whatever became of the record', async () => {
    const id = await requeuedAfterRefusal()
    await harness().settleAll(accepted)
    expect(await refuse(id, [`${id}:input`], [`${id}:output`])).toBe(0)
    expect(await onlyEntry()).toMatchObject({ state: 'delivered' })
    await harness().outbox.correct(sink, [id], { state: 'discarded', reason: 'cancelled' })
    expect(await refuse(id, [`${id}:input`], [`${id}:output`])).toBe(0)
    expect(await onlyEntry()).toMatchObject({ state: 'discarded', reason: 'cancelled' })
  })

  test('another event of it that is refused later is another report', async () => {
    const id = await requeuedAfterRefusal()
    await harness().settleAll(accepted)
    expect(await refuse(id, [`${id}:output`], [`${id}:input~2`])).toBe(1)
    const entry = await onlyEntry()
    expect(entry).toMatchObject({ state: 'dead', deliveredEventIds: [`${id}:input~2`] })
    expect(entry?.refusedEventIds?.toSorted()).toEqual([`${id}:input`, `${id}:output`])
  })

  test('two reports about a dead letter leave what neither of them names as missing', async () => {
    const [{ id } = { id: '' }] = await harness().add(1)
    await harness().settleAll({
      ...rejected,
      deliveredEventIds: [`${id}:input`, `${id}:output`],
    })
    await refuse(id, [`${id}:input`], [`${id}:output`, `${id}:cached_input`])
    await refuse(id, [`${id}:output`], [`${id}:input`, `${id}:cached_input`])
    const entry = await onlyEntry()
    expect(entry).toMatchObject({
      state: 'dead',
      reason: 'no such customer',
      deliveredEventIds: [],
    })
    expect(entry?.refusedEventIds?.toSorted()).toEqual([`${id}:input`, `${id}:output`])
    expect(await harness().outbox.stats(sink)).toMatchObject({ recorded: 1, dead: 1 })
  })

  test('a record that is pending stays, and nothing is noted', async () => {
    const [{ id } = { id: '' }] = await harness().add(1)
    await harness().take()
    expect(await refuse(id, [`${id}:input`], [])).toBe(0)
    expect((await onlyEntry())?.refusedEventIds ?? []).toEqual([])
  })

  test('a record in which nothing was ever refused says so', async () => {
    await harness().add(1)
    const batch = await harness().take()
    expect(batch.entries[0]?.refusedEventIds ?? []).toEqual([])
  })
}
