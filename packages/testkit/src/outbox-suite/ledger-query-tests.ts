import type { LedgerEntry, LedgerQuery } from '@token-meter/core/adapter'
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

export function ledgerQueryTests(harness: () => OutboxHarness): void {
  /** Every entry, page by page. */
  const all = async (query: LedgerQuery = {}, from = sink): Promise<LedgerEntry[]> => {
    const entries: LedgerEntry[] = []
    let after: number | undefined
    do {
      const page = await harness().outbox.ledger(from, { ...query, ...(after && { after }) })
      entries.push(...page.entries)
      after = page.next
    } while (after !== undefined)
    return entries
  }
  const found = async (query: LedgerQuery = {}, from = sink) =>
    ids((await all(query, from)).map(({ record }) => record))

  test('an empty ledger is one empty page', async () => {
    expect(await harness().outbox.ledger(sink)).toEqual({ entries: [] })
  })

  test('every record is there in order of coming, with its state and what is known of it', async () => {
    const records = await harness().add(6)
    await harness().add(1, { customer: null })
    const first = await harness().take(4)
    const { outbox } = harness()
    await outbox.settle(first, [
      accepted,
      { ...rejected, deliveredEventIds: ['a'] },
      { ...rejected, reason: 'too old' },
      { ...retry, deliveredEventIds: ['b'] },
    ])
    await outbox.discard(sink, [records[2]?.id ?? ''])
    await harness().take(1)
    const entries = await all()
    expect(entries.map(({ record }) => record.id).slice(0, 6)).toEqual(ids(records))
    expect(entries[0]?.record).toEqual(records[0])
    expect(
      entries.map(({ state, reason, deliveredEventIds }) => [state, reason, deliveredEventIds]),
    ).toEqual([
      ['delivered', undefined, []],
      ['dead', 'no such customer', ['a']],
      ['discarded', 'too old', []],
      ['pending', undefined, ['b']],
      ['pending', undefined, []],
      ['pending', undefined, []],
      ['unattributed', undefined, []],
    ])
  })

  test('each sink has its own view, and looking makes no sink known', async () => {
    await harness().add(2)
    await harness().settleAll(accepted)
    expect((await all({}, 'beta')).map(({ state }) => state)).toEqual(['pending', 'pending'])
    await harness().add(1, { at: 0 })
    await harness().settleAll(accepted)
    expect(await harness().outbox.prune(1)).toBe(1)
  })

  test('pages follow one another without a gap or a double, and the last one says so', async () => {
    const records = ids(await harness().add(7))
    const { outbox } = harness()
    const first = await outbox.ledger(sink, { limit: 3 })
    expect(ids(first.entries.map(({ record }) => record))).toEqual(records.slice(0, 3))
    expect(first.next).toBeDefined()
    // What is settled or comes between two pages upsets neither.
    await harness().settleAll(accepted)
    const later = ids(await harness().add(1))
    const second = await outbox.ledger(sink, { limit: 3, after: first.next ?? 0 })
    expect(ids(second.entries.map(({ record }) => record))).toEqual(records.slice(3, 6))
    const third = await outbox.ledger(sink, { limit: 2, after: second.next ?? 0 })
    expect(ids(third.entries.map(({ record }) => record))).toEqual([...records.slice(6), ...later])
    expect(third.next).toBeUndefined()
  })

  test('pages end where nothing more matches, though there are more records', async () => {
    const wanted = ids(await harness().add(2, { customer: 'cus_2' }))
    await harness().add(3)
    const page = await harness().outbox.ledger(sink, { customer: 'cus_2', limit: 2 })
    expect(ids(page.entries.map(({ record }) => record))).toEqual(wanted)
    expect(page.next).toBeUndefined()
  })

  test('a customer, a span of time and states narrow it, alone and together', async () => {
    const [early] = ids(await harness().add(1, { at: 1000 }))
    const [middle] = ids(await harness().add(1, { at: 2000, customer: 'cus_2' }))
    const [late] = ids(await harness().add(1, { at: 3000 }))
    const [nobody] = ids(await harness().add(1, { at: 2000, customer: null }))
    const batch = await harness().take()
    await harness().outbox.settle(batch, [accepted, rejected, accepted])
    expect(await found({ customer: 'cus_2' })).toEqual([middle])
    expect(await found({ customer: 'cus_9' })).toEqual([])
    expect(await found({ fromMs: 2000 })).toEqual([middle, late, nobody])
    expect(await found({ untilMs: 2000 })).toEqual([early])
    expect(await found({ fromMs: 1001, untilMs: 3000 })).toEqual([middle, nobody])
    expect(await found({ states: ['delivered'] })).toEqual([early, late])
    expect(await found({ states: ['dead', 'unattributed'], limit: 1 })).toEqual([middle, nobody])
    expect(await found({ states: [] })).toEqual([])
    expect(await found({ states: ['delivered'], fromMs: 2000, customer: 'cus_1' })).toEqual([late])
  })

  test('a customer who was named later is the one that counts', async () => {
    const [record] = await harness().add(1, { customer: null })
    await harness().outbox.attribute([record?.id ?? ''], 'cus_late')
    expect(await all({ customer: 'cus_late' })).toMatchObject([
      { record: { ...record, customer: 'cus_late' }, state: 'pending' },
    ])
  })

  test('what was pruned is gone from it', async () => {
    await harness().add(2, { at: 1000 })
    await harness().settleAll(accepted)
    const left = ids(await harness().add(2, { at: 3000 }))
    await harness().outbox.prune(2000)
    expect(await found({ limit: 1 })).toEqual(left)
  })

  test('a long ledger, with few records that match', async () => {
    const { outbox } = harness()
    const wanted: string[] = []
    for (let block = 0; block < 6; block++) {
      const records = harness().many(1000)
      await outbox.append(records)
      wanted.push(...ids(await harness().add(1, { customer: 'cus_2' })))
    }
    expect(await found({ customer: 'cus_2', limit: 4 })).toEqual(wanted)
    expect((await outbox.ledger(sink)).entries).toHaveLength(1000)
    const batch = await harness().take(5500)
    await outbox.settle(
      batch,
      batch.entries.map(() => accepted),
    )
    expect(await found({ states: ['pending'] })).toHaveLength(6006 - 5500)
    expect((await found({ states: ['delivered'], limit: 2500 })).toSorted()).toEqual(
      idsOf(batch).toSorted(),
    )
  })
}
