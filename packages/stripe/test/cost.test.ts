import { aggregated, createMeter, memoryOutbox, type Sink } from '@token-meter/core'
import { cost, type CostCalculator, type ModelPrice } from '@token-meter/core/cost'
import { exampleRecord, startFakeStripe } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink, type StripeApi, type StripeSinkOptions } from '../src/index.ts'
import { billedAmounts, costOf } from './priced.ts'
import { billedSums, expectedSums, recordsOf } from './recorded.ts'

const apis: readonly StripeApi[] = ['v1', 'v2', 'stream']

async function start(
  sinks: readonly StripeSinkOptions[],
  { calculate, around = (sink) => sink }: StartOptions = {},
) {
  const fake = await startFakeStripe()
  const { apiKey, url: baseUrl } = fake
  // As if it outlived the meter: dead letters are looked at here, and not lost when it is closed.
  const outbox = { ...memoryOutbox(), durable: true }
  const open = (calculator?: CostCalculator) =>
    createMeter({
      providers: [],
      outbox,
      sinks: sinks.map((options) => around(stripeSink({ apiKey, baseUrl, ...options }))),
      delivery: { lingerMs: 1, pollMs: 20, backoff: { baseMs: 1, maxMs: 10 } },
      ...(calculator !== undefined && { cost: calculator }),
      onError: () => {},
    })
  const meter = open(calculate)
  onTestFinished(async () => {
    await meter.close()
    await fake.close()
  })
  return { fake, outbox, meter, open }
}

interface StartOptions {
  readonly calculate?: CostCalculator
  readonly around?: (sink: Sink) => Sink
}

/** Of just now, with an id that sorts. */
const recordOf = (id: string, billed?: string) =>
  exampleRecord({
    id,
    at: Date.now(),
    attributes: {},
    ...(billed !== undefined && costOf(billed, '7')),
  })

test.each(apis)('an event of %s has the amount, the model and the attributes', async (api) => {
  const { fake, outbox, meter } = await start([{ value: 'cost', api }])
  await outbox.append([{ ...recordOf('r', '0.003990'), attributes: { feature: 'search' } }])
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 1, dead: 0 })
  expect(fake.meterEvents).toMatchObject([
    {
      event_name: 'llm-cost',
      identifier: 'r:cost',
      payload: {
        stripe_customer_id: 'cus_1',
        value: '3990',
        model: 'openai/gpt-5.4',
        feature: 'search',
      },
    },
  ])
  expect(fake.meterEvents[0]?.payload).not.toHaveProperty('token_type')
  expect(fake.requests.filter(({ path }) => /meter_event/.test(path))).not.toHaveLength(0)
})

test.each([
  [{ value: 'cost' }, '1235'],
  [{ value: 'cost', costUnit: 'nano-usd' }, '1234568'],
  [{ value: 'cost', cost: 'provider' }, '7000000'],
] as const)('%j bills %s', async (options, value) => {
  const { fake, outbox, meter } = await start([options])
  await outbox.append([recordOf('r', '0.0012345675')])
  await meter.flush()
  expect(fake.meterEvents).toMatchObject([{ payload: { value } }])
})

test('what rounds to nothing is delivered, and sends nothing', async () => {
  const { fake, outbox, meter } = await start([{ value: 'cost' }])
  await outbox.append([recordOf('little', '0.00000049'), recordOf('free', '0')])
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 2, pending: 0, dead: 0 })
  expect(fake.requests).toEqual([])
})

const prices = { 'openai/gpt-5.4': { input: '2.5', cachedInput: '0.25', output: 15 } }

test('without a price it is a dead letter that says so, and with one it is billed when requeued', async () => {
  const { fake, outbox, meter, open } = await start([{ value: 'cost' }], { calculate: cost() })
  await outbox.append([recordOf('r'), recordOf('dear', '1000000000'), recordOf('priced', '0.5')])
  await meter.flush()
  const dead = await outbox.deadLetters('stripe')
  const reasons = dead.map(({ record, reason }) => [record.id, reason] as const)
  expect(Object.fromEntries(reasons)).toEqual({
    r: expect.stringMatching(
      /it has no cost: .*openai "gpt-5.4-2026-03-05".*Add its price to cost\(\{ prices \}\).*requeue/,
    ),
    dear: expect.stringMatching(/1000000000 USD is more than fits into the 15 digits/),
  })
  expect(billedAmounts(fake)).toEqual({ cus_1: 500_000n })
  await meter.close()

  const better = open(cost({ prices, markup: 20 }))
  await outbox.requeue('stripe', ['r'])
  await better.flush()
  // 1200 x 2.5 + 300 x 0.25 + 85 x 15, per million, and 20 %.
  expect(fake.meterEvents.at(-1)).toMatchObject({
    identifier: 'r:cost',
    payload: { value: '5220' },
  })
  expect((await better.stats()).sinks['stripe']).toMatchObject({ delivered: 2, dead: 1 })
  await better.close()
})

test.each(apis)('tokens and their cost at once, by %s: two sinks, two meters', async (api) => {
  const { fake, outbox, meter } = await start([
    { api },
    { api, name: 'stripe-cost', value: 'cost', costUnit: 'nano-usd' },
  ])
  const records = recordsOf(3, 30).map((record, index) => ({
    ...record,
    ...costOf(`0.00${String(index + 10)}123`),
  }))
  await outbox.append(records)
  await outbox.append([{ ...recordOf('unpriced'), customer: 'cus_x' }])
  const { sinks } = await meter.flush()
  // That the one lacks a price is nothing to the other.
  expect(sinks['stripe']).toMatchObject({ delivered: 31, dead: 0 })
  expect(sinks['stripe-cost']).toMatchObject({ delivered: 30, dead: 1 })
  const tokens = billedSums({
    ...fake,
    billed: () => fake.billed().filter(({ eventName }) => eventName === 'token-billing-tokens'),
  })
  expect(tokens).toMatchObject(expectedSums(records))
  const expected: Record<string, bigint> = {}
  for (const { customer, cost } of records) {
    const nano = BigInt(cost.billed.slice(2).padEnd(9, '0'))
    expected[customer ?? ''] = (expected[customer ?? ''] ?? 0n) + nano
  }
  expect(billedAmounts(fake)).toEqual(expected)
})

test('two sinks of one name are refused', async () => {
  await expect(start([{}, { value: 'cost' }])).rejects.toMatchObject({ code: 'config' })
})

test('aggregated, amounts are summed before they are rounded, and small ones are billed too', async () => {
  const { fake, outbox, meter } = await start([{ value: 'cost' }], {
    around: (sink) => aggregated(sink, { windowMs: 24 * 60 * 60_000 }),
  })
  const records = Array.from({ length: 1000 }, (_, index) => recordOf(`r${index}`, '0.0000000123'))
  await outbox.append(records)
  await outbox.append([recordOf('unpriced')])
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 1000, dead: 1 })
  // Or two, where the day ended in between.
  expect(fake.meterEvents.length).toBeLessThanOrEqual(2)
  const { cus_1: sum = 0n } = billedAmounts(fake)
  expect([12n, 13n]).toContain(sum)
  expect(fake.meterEvents.every(({ identifier }) => identifier?.endsWith(':cost'))).toBe(true)
})

test('what had no price in a sum is billed in a sum when it has one', async () => {
  const known: Record<string, ModelPrice> = {}
  const { fake, outbox, meter } = await start([{ value: 'cost' }], {
    around: (sink) => aggregated(sink),
    calculate: (record) => cost({ prices: known })(record),
  })
  await outbox.append([recordOf('a'), recordOf('b')])
  await meter.flush()
  expect(await outbox.deadLetters('stripe')).toHaveLength(2)
  Object.assign(known, prices)
  await outbox.requeue('stripe')
  expect((await meter.flush()).sinks['stripe']).toMatchObject({ delivered: 2, dead: 0 })
  expect(fake.meterEvents).toHaveLength(1)
  expect(billedAmounts(fake)).toEqual({ cus_1: 2n * 4350n })
})

test('the bill of the documentation', async () => {
  const price: ModelPrice = { input: 3, cachedInput: '0.30', cachedWrite: '3.75', output: 15 }
  const { fake, outbox, meter } = await start([{ value: 'cost' }], {
    calculate: cost({ prices: { 'anthropic/claude-sonnet-4.6': price }, markup: 10 }),
  })
  const month = { input: 3_530_000, cachedInput: 16_690_000, cachedWrite: 1_669_000 }
  const tokens = { ...month, output: 3_931_000 }
  const model = { provider: 'anthropic', model: 'claude-sonnet-4-6', details: {}, tokens }
  await outbox.append([{ ...recordOf('r'), ...model, serviceTier: 'standard' }])
  await meter.flush()
  expect(billedAmounts(fake)).toEqual({ cus_1: 88_902_825n })
})
