import { expect, test } from 'vitest'
import { exampleRecord } from '../example-record.ts'
import { type OutboxHarness, accepted, ids, idsOf, sink } from './outbox-harness.ts'

export function appendTests(harness: () => OutboxHarness): void {
  test('a record comes out as it went in', async () => {
    const { outbox } = harness()
    const records = [
      exampleRecord(),
      exampleRecord({
        requestedModel: null,
        serviceTier: null,
        attributes: { täam: '"a"\n\u0000 🎉', constructor: 'x' },
        details: {},
        tokens: { input: Number.MAX_SAFE_INTEGER, cachedInput: 0, cachedWrite: 0, output: 0 },
        raw: [null, 1.5, 'text', { nested: [true] }],
      }),
      exampleRecord({ raw: undefined }),
      exampleRecord({ raw: null }),
    ]
    for (const record of records) await outbox.append([record])
    for (const record of records) expect(await outbox.find(record.id)).toEqual(record)
    const batch = await harness().take()
    expect(batch.entries.map(({ record }) => record)).toEqual(records)
  })

  test('several records in one append keep their order', async () => {
    const records = [exampleRecord(), exampleRecord(), exampleRecord()]
    await harness().outbox.append(records)
    expect(idsOf(await harness().claim())).toEqual(ids(records))
  })

  test('an append of nothing is nothing', async () => {
    await harness().outbox.append([])
    expect(await harness().outbox.recorded()).toBe(0)
  })

  test('a record whose id is there already is left out, and the first stays', async () => {
    const { outbox } = harness()
    const first = exampleRecord({ customer: 'cus_first' })
    const second = exampleRecord()
    const again = { ...first, customer: 'cus_again' }
    await outbox.append([first])
    await outbox.append([again])
    await outbox.append([again, second, second])
    expect(await outbox.recorded()).toBe(2)
    expect(await outbox.stats(sink)).toMatchObject({ recorded: 2, pending: 2 })
    const batch = await harness().take()
    expect(batch.entries.map(({ record }) => record)).toEqual([first, second])
  })

  test('an id that is taken is answered, with what has it', async () => {
    const { outbox } = harness()
    const [first, second] = harness().many(2)
    if (first === undefined || second === undefined) throw new Error('no records')
    const other = { ...first, customer: 'cus_other' }
    const third = { ...second, model: 'another' }
    // In later appends, and within one; an outbox that writes later has nothing to answer yet.
    const answers = [await outbox.append([first]), await outbox.append([other])]
    answers.push(await outbox.append([second, third, first]))
    await outbox.position()
    const taken = answers.flatMap((answer) => answer ?? [])
    if (taken.length > 0) {
      expect(taken).toEqual([
        { record: other, kept: first },
        { record: third, kept: second },
        { record: first, kept: first },
      ])
    }
    expect(await outbox.find(first.id)).toEqual(first)
    expect(await outbox.find(second.id)).toEqual(second)
    expect(await outbox.recorded()).toBe(2)
  })

  test('an id that was pruned is a new one', async () => {
    const { outbox } = harness()
    const [record] = await harness().add(1, { at: 1000 })
    await harness().settleAll(accepted)
    expect(await outbox.prune(2000)).toBe(1)
    expect((await outbox.append(record === undefined ? [] : [record])) ?? []).toEqual([])
    await outbox.position()
    expect(await outbox.recorded()).toBe(2)
  })

  test('a record that comes again after its delivery is not delivered again', async () => {
    const [record] = await harness().add(1)
    await harness().settleAll(accepted)
    await harness().outbox.append(record === undefined ? [] : [record])
    expect(await harness().claim()).toBeUndefined()
    expect(await harness().outbox.recorded()).toBe(1)
  })

  test.each([
    ['a bigint', () => ({ tokens: 12n })],
    ['a circle', () => circle()],
    ['an object that refuses', () => ({ toJSON: () => notJson() })],
    ['a function', () => () => 1],
  ])('a record whose raw usage holds %s is kept', async (_, raw) => {
    const record = exampleRecord({ raw: raw() })
    await harness().outbox.append([record])
    const batch = await harness().take()
    const { raw: _raw, ...rest } = record
    expect(batch.entries[0]?.record).toMatchObject(rest)
  })

  test('what an outbox in use says of itself', async () => {
    const { outbox } = harness()
    expect(outbox.description).toMatch(/^\w+/)
    expect(typeof outbox.durable).toBe('boolean')
  })
}

function circle(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}

function notJson(): never {
  throw new Error('not as JSON')
}
