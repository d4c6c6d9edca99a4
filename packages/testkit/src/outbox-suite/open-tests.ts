import type { Outbox } from '@token-meter/core/adapter'
import type { UsageRecord } from '@token-meter/core/wire'
import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import { ids, idsOf, type OutboxHarness, sink } from './outbox-harness.ts'

/** @param outlives whether anything outlives an outbox. */
export function openTests(harness: () => OutboxHarness, outlives: boolean): void {
  const grown = (record: UsageRecord, output: number): UsageRecord => ({
    ...record,
    tokens: { ...record.tokens, output },
    outcome: 'partial',
  })
  const open = (...opening: Parameters<NonNullable<Outbox['open']>>) =>
    harness().outbox.open?.(...opening)
  /** All that is there for whoever comes when the first outbox is closed. */
  const left = async (): Promise<readonly UsageRecord[]> => {
    await harness().outbox.close()
    const next = await harness().another()
    await next.prepare?.()
    const { entries } = await next.ledger(sink)
    return entries.map(({ record }) => record)
  }

  test('it is no record: nobody counts it, finds it or is given it', async () => {
    const { outbox } = harness()
    const [first] = await harness().add(1)
    const record = exampleRecord()
    await open([grown(record, 1)])
    await open([grown(record, 2)])
    expect(await outbox.recorded()).toBe(1)
    expect(await outbox.find(record.id)).toBe(undefined)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 1, pending: 1 })
    expect((await outbox.ledger(sink)).entries.map((entry) => entry.record.id)).toEqual([first?.id])
    expect(idsOf(await harness().claim())).toEqual([first?.id])
  })

  test('its record ends it, and is no other usage under a taken id', async () => {
    const { outbox } = harness()
    const record = exampleRecord()
    await open([grown(record, 1)])
    expect((await outbox.append([record])) ?? []).toEqual([])
    expect(await outbox.find(record.id)).toEqual(record)
    expect(await outbox.recorded()).toBe(1)
  })

  test('a record that does not wait for what is being opened ends it too', async () => {
    const { outbox } = harness()
    const records = Array.from({ length: 30 }, () => exampleRecord())
    const opened = records.map((record) => open([grown(record, 1)]))
    for (const record of records) expect((await outbox.append([record])) ?? []).toEqual([])
    await Promise.all(opened)
    if (!outlives) return
    expect(await left()).toEqual(records)
  })

  test('to open nothing is nothing', async () => {
    await open([])
    await open([], { ends: ['never opened'] })
    expect(await harness().outbox.recorded()).toBe(0)
  })

  if (!outlives) return

  test('whoever comes next finds it as it was kept last, once', async () => {
    const records = Array.from({ length: 3 }, () => exampleRecord())
    for (const output of [1, 7]) for (const record of records) await open([grown(record, output)])
    const kept = await left()
    expect(kept.toSorted(byId)).toEqual(records.map((record) => grown(record, 7)).toSorted(byId))
    const third = await harness().another()
    await third.prepare?.()
    expect(await third.recorded()).toBe(3)
  })

  test('what is still being kept when the outbox is closed is kept', async () => {
    const record = exampleRecord()
    const opened = open([grown(record, 1)])
    const kept = await left()
    await opened
    expect(ids(kept)).toEqual([record.id])
  })

  test('whoever else uses the outbox leaves it alone while its own is there', async () => {
    const record = exampleRecord()
    await open([grown(record, 1)])
    const other = await harness().another()
    await other.prepare?.()
    expect(await other.claim(sink, { limit: 10, leaseMs: 1000 })).toBe(undefined)
    expect(await other.recorded()).toBe(0)
    await harness().outbox.append([record])
    await harness().outbox.position()
    expect(await other.find(record.id)).toEqual(record)
  })

  test('what came to nothing, or to a record of another id, is gone', async () => {
    const { outbox } = harness()
    const [nothing, before, record] = harness().many(3) as [UsageRecord, UsageRecord, UsageRecord]
    await open([nothing, before])
    await open([], { ends: [nothing.id] })
    await outbox.append([record], { ends: [before.id] })
    expect(ids(await left())).toEqual([record.id])
  })

  test('an id that is named in what is opened instead is gone', async () => {
    const [before, record] = harness().many(2) as [UsageRecord, UsageRecord]
    await open([before])
    await open([record], { ends: [before.id] })
    expect(ids(await left())).toEqual([record.id])
  })

  test('what is opened after its record came is not kept', async () => {
    const record = exampleRecord()
    await harness().outbox.append([record])
    await open([grown(record, 1)])
    expect(await left()).toEqual([record])
  })

  test('what was left open is delivered as other records are', async () => {
    const record = exampleRecord()
    await open([grown(record, 3)])
    await harness().outbox.close()
    const next = await harness().another()
    const batch = await next.claim(sink, { limit: 10, leaseMs: 1000 })
    expect(batch?.entries.map((entry) => entry.record)).toEqual([grown(record, 3)])
    expect(await next.recorded()).toBe(1)
  })
}

const byId = (a: UsageRecord, b: UsageRecord): number => (a.id < b.id ? -1 : 1)
