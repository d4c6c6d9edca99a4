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

/** A sink that is new beside one that is gone: it may be the same under another name. */
export function sinkNameTests(harness: () => OutboxHarness): void {
  const claim = (from: string) =>
    harness().outbox.claim(from, { limit: 100, leaseMs, isLive: true })
  const settle = async (from: string, result: typeof accepted | typeof retry | typeof rejected) => {
    const batch = await claim(from)
    if (batch === undefined) throw new Error(`nothing for ${from}`)
    await harness().outbox.settle(
      batch,
      batch.entries.map(() => result),
    )
    return idsOf(batch)
  }

  test('sinks are known with their mode, and who uses them', async () => {
    const { outbox } = harness()
    expect(await outbox.sinks()).toEqual([])
    await outbox.attend('beta', 'live')
    await outbox.attend(sink, 'test')
    await outbox.attend(sink, 'observer')
    await outbox.registerSink('late', { sinceMs: 0 })
    const known = await outbox.sinks()
    expect(known.map(({ name, mode }) => [name, mode]).toSorted()).toEqual([
      [sink, 'observer'],
      ['beta', 'live'],
      ['late', undefined],
    ])
    const used = known.filter(({ inUse, seenAt }) => inUse === true || seenAt !== undefined)
    expect(used.map(({ name }) => name).toSorted()).toEqual([sink, 'beta'])
    await outbox.attend('beta', 'live', 'tokens')
    await outbox.attend(sink, 'live', 'cost')
    await outbox.attend(sink, 'observer')
    const values = (await outbox.sinks()).map(({ name, value }) => [name, value])
    expect(new Map(values as [string, unknown][]).get('beta')).toBe('tokens')
    expect(new Map(values as [string, unknown][]).get(sink)).toBeUndefined()
    await outbox.leave('beta')
    expect(await outbox.sinks()).toContainEqual({
      name: 'beta',
      mode: 'live',
      value: 'tokens',
      inUse: false,
    })
    // To say so makes it known with everything that is kept, as a claim does.
    const records = ids(await harness().add(1))
    expect(idsOf(await claim('beta'))).toEqual(records)
  })

  /** One delivered, one dead, one in a batch, one not yet given out; then two of after the new name. */
  async function renamed() {
    const { outbox } = harness()
    const [delivered, dead, batched, fresh] = [
      await harness().add(1, { at: 1000 }),
      await harness().add(1, { at: 2000 }),
      await harness().add(1, { at: 3000 }),
      await harness().add(1, { at: 4000, customer: null }),
    ].flatMap(ids) as [string, string, string, string]
    const first = await harness().take(1, 'old')
    await outbox.settle(first, [accepted])
    const second = await harness().take(1, 'old')
    await outbox.settle(second, [{ ...rejected, deliveredEventIds: ['e'] }])
    const batch = await harness().take(1, 'old')
    await outbox.settle(batch, [{ ...retry, uncertain: true }])
    const ahead = ids(await harness().add(1, { at: 5000 }))[0] ?? ''
    expect(await outbox.registerSink('new', { heldFor: ['old'] })).toBe(true)
    const after = ids(await harness().add(1, { at: 6000 }))
    return { delivered, dead, batched, nobody: fresh, ahead, after, batch }
  }

  test('what came before it is held, and what comes after it is not', async () => {
    const { outbox } = harness()
    const { after } = await renamed()
    expect(await outbox.sinks()).toContainEqual(
      expect.objectContaining({ name: 'new', heldFor: ['old'] }),
    )
    expect(await settle('new', accepted)).toEqual(after)
    expect(await outbox.stats('new')).toMatchObject({
      recorded: 6,
      pending: 0,
      delivered: 1,
      unattributed: 1,
      held: 4,
    })
    expect(await outbox.isSettled('new', await outbox.position())).toBe(true)
  })

  test('what is held can end before a record', async () => {
    const { outbox } = harness()
    await harness().add(2)
    await settle('old', accepted)
    const own = ids(await harness().add(2))
    await outbox.registerSink('new', { heldFor: ['old'], beforeId: own[0] })
    expect(await settle('new', accepted)).toEqual(own)
    expect(await outbox.stats('new')).toMatchObject({ recorded: 4, held: 2, delivered: 2 })
    const [first] = (await outbox.ledger('old')).entries
    await outbox.registerSink('newest', { heldFor: ['old'], beforeId: first?.record.id })
    expect((await settle('newest', accepted)).length).toBe(4)
  })

  test('in an empty outbox there is nothing to hold', async () => {
    const { outbox } = harness()
    await outbox.attend('old', 'live')
    expect(await outbox.registerSink('new', { heldFor: ['old'] })).toBe(true)
    const records = ids(await harness().add(2))
    expect(idsOf(await claim('new'))).toEqual(records)
    expect((await outbox.sinks()).find(({ name }) => name === 'new')?.heldFor).toBeUndefined()
  })

  test.each(['before', 'after'])(
    'renamed, %s a claim: it goes on where the old one was',
    async (when) => {
      const { outbox } = harness()
      const { delivered, dead, batched, nobody, ahead, after, batch } = await renamed()
      if (when === 'after') expect(await settle('new', accepted)).toEqual(after)
      expect(await outbox.rename('old', 'new')).toBe(true)
      expect(await outbox.stats('new')).toMatchObject({
        recorded: 6,
        delivered: when === 'after' ? 2 : 1,
        dead: 1,
        unattributed: 1,
        held: 0,
        pending: when === 'after' ? 2 : 3,
      })
      expect(await outbox.deadLetters('new')).toMatchObject([{ record: { id: dead }, sink: 'new' }])
      const got: string[] = []
      for (let next = await claim('new'); next !== undefined; next = await claim('new')) {
        if (next.id === batch.id) expect(next.entries[0]?.uncertainSince).toBeDefined()
        got.push(...idsOf(next))
        await outbox.settle(
          next,
          next.entries.map(() => accepted),
        )
      }
      const expected = when === 'after' ? [batched, ahead] : [batched, ahead, ...after]
      expect(got.toSorted()).toEqual(expected.toSorted())
      expect(await outbox.attribute([nobody], 'cus_late')).toBe(1)
      expect(await settle('new', accepted)).toEqual([nobody])
      const { entries } = await outbox.ledger('new')
      expect(entries.map(({ record, state }) => [record.id, state])).toEqual([
        [delivered, 'delivered'],
        [dead, 'dead'],
        [batched, 'delivered'],
        [nobody, 'delivered'],
        [ahead, 'delivered'],
        [after[0], 'delivered'],
      ])
      expect(await outbox.stats('new')).toMatchObject({ recorded: 6, delivered: 5, pending: 0 })
      // Nothing is given out under the old name, and it is not made known again.
      expect(await outbox.claim('old', { limit: 10, leaseMs })).toBeUndefined()
      expect(await outbox.registerSink('old', { sinceMs: 0 })).toBe(false)
      await outbox.attend('old', 'live')
      expect(await outbox.claim('old', { limit: 10, leaseMs })).toBeUndefined()
      expect(await outbox.sinks()).toContainEqual({ name: 'old', inUse: false, renamedTo: 'new' })
      expect(await outbox.rename('old', 'new')).toBe(false)
      expect(await outbox.removeSink('old')).toBe(true)
      expect(await outbox.sinks()).not.toContainEqual(expect.objectContaining({ name: 'old' }))
    },
  )

  test('a name that was never used takes the place at once, and gives it back', async () => {
    const { outbox } = harness()
    const [first, second] = ids(await harness().add(2))
    const batch = await harness().take(1, 'old')
    await outbox.settle(batch, [accepted])
    expect(await outbox.rename('unknown', 'new')).toBe(false)
    expect(await outbox.rename('old', 'new')).toBe(true)
    expect(await outbox.stats('new')).toMatchObject({ recorded: 2, delivered: 1, pending: 1 })
    expect(await outbox.rename('new', 'old')).toBe(true)
    expect(await settle('old', accepted)).toEqual([second])
    expect(await claim('new')).toBeUndefined()
    expect(first).toBeDefined()
  })

  test('two sinks that are known stay what they are', async () => {
    const { outbox } = harness()
    await harness().add(1)
    await settle('old', accepted)
    await settle('new', accepted)
    expect(await outbox.rename('old', 'new')).toBe(false)
    expect(await outbox.rename('new', 'new')).toBe(false)
    expect(await outbox.stats('old')).toMatchObject({ delivered: 1 })
  })

  test.each(['before', 'after'])('told from when, %s a claim: it begins there', async (when) => {
    const { outbox } = harness()
    const { batched, ahead, after } = await renamed()
    if (when === 'after') expect(await settle('new', accepted)).toEqual(after)
    expect(await outbox.registerSink('new', { sinceMs: 3000 })).toBe(true)
    expect(await outbox.registerSink('new', { sinceMs: 0 })).toBe(false)
    expect(await outbox.stats('new')).toMatchObject({ recorded: 4, held: 0, unattributed: 1 })
    const got: string[] = when === 'after' ? [...after] : []
    for (let next = await claim('new'); next !== undefined; next = await claim('new')) {
      got.push(...idsOf(next))
      await outbox.settle(
        next,
        next.entries.map(() => accepted),
      )
    }
    expect(got.toSorted()).toEqual([batched, ahead, ...after].toSorted())
    expect(await outbox.stats('new')).toMatchObject({ recorded: 4, delivered: 3, pending: 0 })
  })

  test('from now on: nothing of before', async () => {
    const { outbox } = harness()
    const { after } = await renamed()
    expect(await outbox.registerSink('new', { sinceMs: 1e15 })).toBe(true)
    expect(await settle('new', accepted)).toEqual(after)
    expect(await outbox.stats('new')).toMatchObject({ recorded: 1, delivered: 1, held: 0 })
  })

  test.each(['before', 'after'])(
    'the old one is forgotten, %s a claim: it gets all',
    async (when) => {
      const { outbox } = harness()
      const { delivered, dead, batched, ahead, after } = await renamed()
      if (when === 'after') expect(await settle('new', accepted)).toEqual(after)
      expect(await outbox.removeSink('old')).toBe(true)
      const got = await settle('new', accepted)
      const all = [delivered, dead, batched, ahead]
      expect(got.toSorted()).toEqual((when === 'after' ? all : [...all, ...after]).toSorted())
      expect(await outbox.stats('new')).toMatchObject({ recorded: 6, delivered: 5, held: 0 })
    },
  )

  test('beside two that are gone, each of them has to be forgotten', async () => {
    const { outbox } = harness()
    await harness().add(2)
    await settle('old', accepted)
    await settle('older', accepted)
    await outbox.registerSink('new', { heldFor: ['old', 'older'] })
    await outbox.removeSink('old')
    expect(await claim('new')).toBeUndefined()
    await outbox.removeSink('older')
    expect((await settle('new', accepted)).length).toBe(2)
  })

  test('all that is held can be released, or dropped', async () => {
    const { outbox } = harness()
    await harness().add(2)
    await settle('old', accepted)
    await outbox.registerSink('new', { heldFor: ['old'] })
    expect(await claim('new')).toBeUndefined()
    expect(
      await outbox.drop('new', [(await outbox.ledger('new')).entries[0]?.record.id ?? '']),
    ).toBe(1)
    expect(await outbox.release('new')).toBe(1)
    expect((await settle('new', accepted)).length).toBe(1)
    expect(await outbox.stats('new')).toMatchObject({ delivered: 1, discarded: 1, held: 0 })
    expect(await outbox.rename('old', 'new')).toBe(false)
  })
}
