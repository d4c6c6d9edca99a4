import { aggregated, createMeter, memoryOutbox } from '@token-meter/core'
import { cost } from '@token-meter/core/cost'
import { ConfigError } from '@token-meter/core/sink'
import { exampleRecord } from '@token-meter/testkit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { cancelUsage, meterErrorHandler, reconcileUsage, stripeSink } from '../../src/index.ts'
import { costOf } from '../priced.ts'
import { hour, passTime, setTime, signed, startBilling, webhookSecret } from './billing.ts'

const start = Date.parse('2026-11-21T10:00:30Z')
const window = { from: start - hour, to: start + hour }
const byCost = { value: 'cost', costUnit: 'micro-usd' } as const
const gone = 'meter_event_customer_not_found'

beforeEach(() => setTime('2026-11-21T10:00:30Z'))
afterEach(() => {
  vi.useRealTimers()
})

type Billing = Awaited<ReturnType<typeof startBilling>>
const reconcile = (billing: Billing, change: object = {}) =>
  reconcileUsage({ ...billing.options, ...window, lagMs: 0, ...change })

test('an amount that Stripe refuses afterwards is a dead letter, and goes again under a second id', async () => {
  const customers: string[] = []
  const billing = await startBilling(byCost, { customers })
  await billing.add('r', costOf('0.25'))
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  expect((await billing.webhook()(signed(body))).status).toBe(200)
  expect(billing.reports).toMatchObject([{ deadLetters: [{ eventIds: ['r:cost'] }], unknown: [] }])
  expect((await billing.stateOf('r'))?.reason).toMatch(`cost: ${gone}`)
  customers.push('cus_1')
  await billing.outbox.requeue('stripe')
  expect(await billing.deliver()).toEqual({ r: 'accepted' })
  expect(billing.billed()).toEqual(['r:cost~2 250000'])
  expect(await cancelUsage('r', billing.options)).toMatchObject({ eventIds: ['r:cost~2'] })
  expect(billing.billed()).toEqual([])
})

test('what befell an event of tokens is nothing to a sink of cost, nor the other way', async () => {
  const outbox = memoryOutbox()
  const tokens = await startBilling({}, {}, outbox)
  const money = await startBilling({ ...byCost, name: 'stripe-cost' }, {}, outbox)
  await tokens.add('r', costOf('0.25'))
  await tokens.deliver()
  tokens.fake.failEvents(({ identifier }) => identifier === 'r:input', gone, 'No such customer.')
  const [body = ''] = tokens.fake.reportErrors()
  const { apiKey, url: baseUrl } = tokens.fake
  // One endpoint of one account hears of the events of both.
  const answer = await money.webhook({ apiKey, baseUrl })(signed(body))
  expect(await answer.json()).toMatchObject({ deadLetters: 0, pending: 0, unknown: 1 })
  expect(await outbox.stats('stripe-cost')).toMatchObject({ dead: 0 })
  expect((await tokens.webhook()(signed(body))).status).toBe(200)
  expect(await outbox.stats('stripe')).toMatchObject({ dead: 1 })
})

test('sums are of amounts, and what is of unknown fate is proven by them', async () => {
  const billing = await startBilling(byCost)
  await billing.add('a', costOf('0.25'))
  await billing.add('b', costOf('0.000005'))
  await billing.add('nothing', costOf('0.0000001'))
  await billing.add('unpriced')
  billing.fake.failWith({ connection: 'reset', processed: true }, { matching: 'a:cost', times: 9 })
  billing.fake.failWith({ connection: 'reset' }, { matching: 'b:cost', times: 9 })
  expect(await billing.deliver()).toMatchObject({ nothing: 'accepted', unpriced: 'rejected' })
  billing.fake.recover()
  passTime(25 * hour)
  await billing.deliver()
  const before = { eventName: 'llm-cost', billed: 250_000, delivered: 0, uncertain: 250_005 }
  expect((await reconcile(billing)).sums).toMatchObject([{ ...before, dead: 0 }])
  const { actions } = await reconcile(billing, { apply: true })
  expect(actions).toMatchObject([
    { recordId: 'a', action: 'delivered', applied: true },
    { recordId: 'b', action: 'requeue', missingEventIds: ['b:cost'], applied: true },
  ])
  await billing.deliver()
  expect((await reconcile(billing)).sums).toMatchObject([
    { billed: 250_005, delivered: 250_005, difference: 0, problem: undefined },
  ])
})

test('what was priced as it was sent is no amount of the ledger: pricedBy knows it', async () => {
  const calculate = cost({ prices: () => '0.125' })
  const outbox = memoryOutbox()
  const billing = await startBilling(byCost, {}, outbox)
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [
      stripeSink({ ...byCost, apiKey: billing.options.apiKey, baseUrl: billing.options.baseUrl }),
    ],
    cost: calculate,
    onError: () => {},
  })
  for (const id of ['r', 's']) await outbox.append([exampleRecord({ id, at: start })])
  await meter.flush()
  await meter.close()
  expect(billing.billed()).toEqual(['r:cost 125000', 's:cost 125000'])
  expect((await reconcile(billing)).sums).toMatchObject([
    { difference: undefined, problem: expect.stringMatching(/give pricedBy/) },
  ])
  expect((await reconcile(billing, { pricedBy: calculate })).sums).toMatchObject([
    { billed: 250_000, delivered: 250_000, difference: 0 },
  ])
  const failing = () => {
    throw new Error('no list')
  }
  expect((await reconcile(billing, { pricedBy: failing })).sums).toMatchObject([
    { problem: expect.any(String) },
  ])
  // Which event it was is known all the same.
  billing.fake.failEvents(({ identifier }) => identifier === 's:cost', gone, 'No such customer.')
  const [body = ''] = billing.fake.reportErrors()
  expect((await billing.webhook()(signed(body))).status).toBe(200)
  expect(await billing.stateOf('s')).toMatchObject({ state: 'dead' })
  expect(await cancelUsage('r', billing.options)).toMatchObject({ eventIds: ['r:cost'] })
  expect(billing.billed()).toEqual([])
})

test('beside an unknown amount nothing is proven', async () => {
  const outbox = memoryOutbox()
  const billing = await startBilling(byCost, {}, outbox)
  await billing.add('known', costOf('0.5'))
  billing.fake.failWith({ connection: 'reset' }, { matching: 'known:cost', times: 9 })
  await billing.deliver()
  billing.fake.recover()
  passTime(25 * hour)
  await outbox.append([exampleRecord({ id: 'late', at: start })])
  expect(await billing.deliver()).toEqual({ known: 'rejected' })
  expect(await billing.deliver()).toEqual({ late: 'rejected' })
  await outbox.correct('stripe', ['late'], { state: 'delivered', reason: 'priced as it was sent' })
  const report = await reconcile(billing, { apply: true })
  expect(report.actions).toEqual([])
  expect(report.unresolved).toMatchObject([
    { recordId: 'known', reason: expect.stringMatching(/llm-cost: .*give pricedBy/) },
  ])
})

test.each([
  ['micro-usd', 0, 2],
  ['nano-usd', 2, 0],
] as const)(
  'of sums in %s, what was not rounded is proven',
  async (costUnit, actions, unresolved) => {
    const options = { ...byCost, costUnit }
    const billing = await startBilling(options, {}, memoryOutbox(), (sink) => aggregated(sink))
    await billing.add('a', costOf('0.0000014'))
    await billing.add('b', costOf('0.0000006'))
    billing.fake.failWith({ connection: 'reset', processed: true })
    await billing.deliver()
    passTime(25 * hour)
    await billing.deliver()
    const report = await reconcile(billing, { windowMs: 60_000, apply: true })
    expect(report.actions).toHaveLength(actions)
    expect(report.unresolved).toHaveLength(unresolved)
    for (const { reason } of report.unresolved) expect(reason).toMatch(/rounded together.*nano-usd/)
    const { delivered } = await billing.outbox.stats('stripe')
    expect(delivered).toBe(actions)
  },
)

test('what may have arrived and has no price any more is of unknown fate', async () => {
  const outbox = memoryOutbox()
  const billing = await startBilling(byCost, {}, outbox)
  const record = exampleRecord({ id: 'r', at: start })
  await outbox.append([record])
  billing.fake.failWith({ connection: 'reset', processed: true })
  const batch = await outbox.claim('stripe', { limit: 1, leaseMs: 1000 })
  if (batch === undefined) throw new Error('nothing was claimed')
  const sink = stripeSink({
    ...byCost,
    apiKey: billing.options.apiKey,
    baseUrl: billing.options.baseUrl,
  })
  const priced = batch.entries.map((entry) => ({
    ...entry,
    record: { ...record, ...costOf('0.5') },
  }))
  const results = await sink.send({ ...batch, entries: priced }, new AbortController().signal)
  expect(results).toMatchObject([{ status: 'retry', uncertain: true }])
  await outbox.settle(batch, results)
  passTime(hour)
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  expect((await billing.stateOf('r'))?.reason).toMatch(
    /no cost: .*Whether Stripe has it is unknown/,
  )
  expect((await reconcile(billing)).unresolved).toMatchObject([{ recordId: 'r' }])
  const pricedBy = cost({ prices: () => '0.5' })
  expect((await reconcile(billing, { pricedBy, apply: true })).actions).toMatchObject([
    { recordId: 'r', action: 'delivered', applied: true },
  ])
})

test('a record that came to nothing is given up without a request', async () => {
  const billing = await startBilling(byCost)
  await billing.add('r', costOf('0'))
  await billing.deliver()
  expect(await cancelUsage('r', billing.options)).toEqual({ recordId: 'r', eventIds: [] })
  expect(billing.fake.requests).toEqual([])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded' })
})

test('wrong options are said', () => {
  const options = { outbox: memoryOutbox(), apiKey: 'rk_live_1', webhookSecret }
  for (const wrong of [{ pricedBy: {} }, { costUnit: 'nano-usd' }, { value: 'money' }]) {
    expect(() => meterErrorHandler({ ...options, ...(wrong as object) })).toThrow(ConfigError)
  }
})
