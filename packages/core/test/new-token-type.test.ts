import { exampleRecord } from '@token-meter/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cost } from '../src/cost.ts'
import { allInput, tokenTypes } from '../src/wire.ts'
import { withCacheInInput } from '../src/sink.ts'
import { createMeter, memoryOutbox, toMeterEvents } from '../src/index.ts'
import { sumOfRecords } from '../src/sink/aggregates.ts'
import { isZero } from '../src/usage/token-counts.ts'

const rows = tokenTypes as unknown as object[]
beforeAll(() => void rows.push({ count: 'thinking', type: 'thinking', side: 'output' }))
afterAll(() => void rows.pop())

const counts = { input: 1, cachedInput: 2, cachedWrite: 3, output: 4, thinking: 5 }
const record = exampleRecord({ id: 'r', tokens: counts })

test('a type of tokens that is added to the list has an event', () => {
  const events = toMeterEvents(record)
  expect(events.map(({ id, value }) => [id, value])).toEqual([
    ['r:input', 1],
    ['r:cached_input', 2],
    ['r:cached_write', 3],
    ['r:output', 4],
    ['r:thinking', 5],
  ])
})

test('it is usage by itself, and in sums, also with records of before it was there', () => {
  const { thinking: _, ...before } = counts
  const alone = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0, thinking: 5 }
  expect(isZero(alone)).toBe(false)
  const sum = sumOfRecords('s', [record, exampleRecord({ tokens: before }), record])
  expect(sum.tokens).toEqual({
    input: 3,
    cachedInput: 6,
    cachedWrite: 9,
    output: 12,
    thinking: 10,
  })
  expect(withCacheInInput(record).tokens).toMatchObject({ input: 6, output: 9 })
  expect(allInput(counts)).toBe(6)
})

test('it has a price, and is never left out of one', async () => {
  const model = { provider: 'openai', model: 'gpt-5.4' }
  const prices = (price: object) => ({ 'openai/gpt-5.4': price })
  const all = { input: 1, cachedInput: 1, cachedWrite: 1, output: 1, thinking: 1_000_000 }
  const { thinking: _, ...four } = all
  const costs: (string | undefined)[] = []
  for (const price of [all, four]) {
    const meter = createMeter({
      providers: [],
      outbox: memoryOutbox(),
      onError: () => {},
      cost: cost({ prices: prices(price) }),
    })
    meter.on('usage', (kept) => void costs.push(kept.cost?.provider))
    await meter.record({ customer: 'cus_1', ...model, tokens: counts })
    await meter.close().catch(() => {})
  }
  expect(costs).toEqual(['5.00001', undefined])
})
