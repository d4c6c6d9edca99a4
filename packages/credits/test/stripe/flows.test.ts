import { createMeter } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink } from '@token-meter/stripe'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { mirrorGrants } from '../../src/stripe.ts'
import { openShop, type ShopOptions } from './shop.ts'

const start = Date.parse('2027-01-31T10:00:00Z')
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
afterEach(() => void vi.useRealTimers())
const setTime = (iso: string) => vi.setSystemTime(Date.parse(iso))

/** A shop whose usage goes to Stripe by what it costs, in micro-dollars. */
async function openMeteredShop(options: ShopOptions = {}) {
  const outbox = sqliteOutbox(temporaryFile())
  const shop = await openShop({ outbox, ...options })
  const { apiKey, url: baseUrl } = shop.fake
  const sink = stripeSink({ apiKey, baseUrl, value: 'cost' })
  const meter = createMeter({
    providers: [],
    outbox,
    sinks: [sink],
    delivery: { lingerMs: 1, pollMs: 20 },
  })
  onTestFinished(async () => void (await meter.close()))
  const billingMeter = await shop.stripe.billing.meters.create({
    display_name: 'Usage',
    event_name: 'llm-cost',
    default_aggregation: { formula: 'sum' },
  })
  const recurring = { interval: 'month', usage_type: 'metered', meter: billingMeter.id } as const
  const customer = await shop.customer()
  return {
    ...shop,
    sink,
    meter,
    customer,
    recurring,
    /** A cent is 10,000 micro-dollars. */
    atCost: () =>
      shop.stripe.prices.create({
        currency: 'usd',
        product: 'prod_usage',
        unit_amount_decimal: Stripe.Decimal.from('0.0001'),
        recurring,
      }),
    async spend(...amounts: readonly string[]) {
      for (const [index, amount] of amounts.entries()) {
        await shop.use(`r${Date.now()}_${index}`, customer, amount)
      }
      expect((await meter.flush()).sinks['stripe']).toMatchObject({ dead: 0, pending: 0 })
    },
    async subscribe(...prices: readonly { readonly id: string }[]) {
      const items = prices.map(({ id }) => ({ price: id }))
      return shop.stripe.subscriptions.create({ customer, items })
    },
    /** The period is over, and its invoice is made. */
    async bill(subscription: string) {
      const id = shop.billing.endPeriod(subscription) ?? ''
      for (const { status } of await shop.billing.deliver()) expect(status).toBe(200)
      return shop.stripe.invoices.retrieve(id)
    },
  }
}

async function withProduct() {
  const shop = await openMeteredShop()
  await shop.stripe.products.create({ id: 'prod_usage', name: 'Usage' })
  return shop
}

test('pay as you go: all that was used is on the invoice, rounded once', async () => {
  const shop = await withProduct()
  const { id } = await shop.subscribe(await shop.atCost())
  await shop.spend('0.004', '1.2345675', '0.0000004')
  setTime('2027-02-15T00:00:00Z')
  await shop.spend('7.7777777')
  setTime('2027-02-28T10:00:00Z')
  // 4,000 + 1,234,568 + 0 + 7,777,778 micro-dollars: each record is rounded, half up.
  expect(await shop.bill(id)).toMatchObject({ total: 902, amount_due: 902, status: 'paid' })
  setTime('2027-03-31T10:00:00Z')
  expect(await shop.bill(id)).toMatchObject({ total: 0, status: 'paid' })
  // No account was opened: nobody sold credit.
  expect((await shop.credits.history(shop.customer)).entries).toEqual([])
})

test('a fixed fee with included usage and overage', async () => {
  const shop = await withProduct()
  const fee = await shop.monthly({})
  const usage = await shop.stripe.prices.create({
    currency: 'usd',
    product: 'prod_usage',
    recurring: shop.recurring,
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    tiers: [
      { up_to: 10_000_000, unit_amount: 0 },
      { up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('0.00013') },
    ],
  })
  const { id, latest_invoice: first } = await shop.subscribe(fee, usage)
  expect(await shop.stripe.invoices.retrieve(String(first))).toMatchObject({ total: 2000 })
  await shop.spend('9', '4.5')
  setTime('2027-02-28T10:00:00Z')
  // The next month's fee, and 3.5 dollars beyond the 10 at 1.3: 20.00 + 4.55.
  expect(await shop.bill(id)).toMatchObject({ total: 2455, status: 'paid' })
  await shop.spend('9.99')
  setTime('2027-03-31T10:00:00Z')
  expect(await shop.bill(id)).toMatchObject({ total: 2000 })
})

test('credit burndown: what was bought is drawn at Stripe as it is in the books, and the rest is billed', async () => {
  const shop = await withProduct()
  const { customer, credits } = shop
  const mirror = mirrorGrants({ credits, stripe: shop.stripe, sink: shop.sink })
  onTestFinished(() => mirror.close())
  await credits.account(customer, { collect: 'mirror' })
  const pack = await shop.price({ unit_amount: 5000, metadata: { token_meter_usd: '50' } })
  shop.billing.completeCheckout((await shop.checkout(pack.id, customer)).id)
  await shop.billing.deliver()
  await mirror.sync()
  expect((await shop.stripe.billing.creditGrants.list({ customer })).data).toMatchObject([
    { amount: { monetary: { currency: 'usd', value: 5000 } }, category: 'paid', priority: 50 },
  ])
  const { id } = await shop.subscribe(await shop.atCost())
  await shop.spend('12.34', '17.66')
  expect(await shop.available(customer)).toBe('20')
  setTime('2027-02-28T10:00:00Z')
  expect(await shop.bill(id)).toMatchObject({ subtotal: 3000, total: 0, amount_due: 0 })
  await shop.spend('35.5')
  expect(await shop.credits.balance(customer)).toMatchObject({ available: '-15.5', debt: '15.5' })
  setTime('2027-03-31T10:00:00Z')
  expect(await shop.bill(id)).toMatchObject({ subtotal: 3550, total: 1550, status: 'paid' })
  // What the invoice was paid for is owed no more.
  expect(await shop.credits.balance(customer)).toMatchObject({ available: '0', debt: '0' })
})

test('hybrid: a fee whose plan includes usage, a pack beside it, and what is beyond both on the invoice', async () => {
  const plans = [{ id: 'team', usd: '10', period: 'month' }] as const
  const shop = await openMeteredShop({ plans })
  await shop.stripe.products.create({ id: 'prod_usage', name: 'Usage' })
  const { customer, credits } = shop
  const mirror = mirrorGrants({ credits, stripe: shop.stripe, sink: shop.sink })
  onTestFinished(() => mirror.close())
  await credits.account(customer, { collect: 'mirror' })
  const team = await shop.monthly({ token_meter_plan: 'team' })
  const { id } = await shop.subscribe(team, await shop.atCost())
  const pack = await shop.price({ unit_amount: 2500, metadata: { token_meter_usd: '25' } })
  shop.billing.completeCheckout((await shop.checkout(pack.id, customer)).id)
  await shop.billing.deliver()
  await mirror.sync()
  expect(await shop.available(customer)).toBe('35')
  await shop.spend('40')
  setTime('2027-02-28T10:00:00Z')
  // The next month's fee, and 40 less 10 included and 25 bought.
  expect(await shop.bill(id)).toMatchObject({ subtotal: 6000, total: 2500, status: 'paid' })
  // What the invoice was paid for is owed no more: the next period has all that it includes.
  expect(await shop.credits.balance(customer)).toMatchObject({ available: '10', debt: '0' })
  await mirror.sync()
  const { data } = await shop.stripe.billing.creditGrants.list({ customer })
  expect(data.map(({ category, amount }) => [category, amount.monetary?.value])).toEqual([
    ['promotional', 1000],
    ['paid', 2500],
    ['promotional', 1000],
  ])
})

test('what an erased customer used beyond their credit is owed no more once its invoice is paid', async () => {
  const plans = [{ id: 'team', usd: '10', period: 'month' }] as const
  const shop = await openMeteredShop({ plans })
  await shop.stripe.products.create({ id: 'prod_usage', name: 'Usage' })
  const { customer, credits } = shop
  const again = () => credits.account(customer, { collect: 'mirror' })
  await again()
  const team = await shop.monthly({ token_meter_plan: 'team' })
  const { id } = await shop.subscribe(team, await shop.atCost())
  await shop.billing.deliver()
  await shop.spend('15')
  expect(await shop.available(customer)).toBe('-5')
  await credits.erase(customer)
  await again()
  setTime('2027-02-01T00:00:00Z')
  await shop.spend('3')
  expect(await shop.available(customer)).toBe('-3')
  const heard: unknown[] = []
  credits.on('granted', ({ amount, customer: of }) => void heard.push([of === customer, amount]))
  setTime('2027-02-28T10:00:00Z')
  await shop.bill(id)
  await shop.billing.deliver({ events: shop.billing.events })
  expect(heard.toSorted()).toEqual([
    [false, '10'],
    [false, '5'],
    [true, '3'],
  ])
  expect(await credits.balance(customer)).toMatchObject({ available: '0', debt: '0' })
  expect(await credits.verify()).toEqual([])
})

test('credit that comes after its use pays for it once, in the books as at Stripe', async () => {
  const shop = await withProduct()
  const { customer, credits } = shop
  const mirror = mirrorGrants({ credits, stripe: shop.stripe, sink: shop.sink })
  onTestFinished(() => mirror.close())
  await credits.account(customer, { collect: 'mirror' })
  const { id } = await shop.subscribe(await shop.monthly({}), await shop.atCost())
  await shop.spend('5.004')
  expect(await shop.available(customer)).toBe('-5.004')
  const pack = await shop.price({ unit_amount: 2500, metadata: { token_meter_usd: '25' } })
  shop.billing.completeCheckout((await shop.checkout(pack.id, customer)).id)
  await shop.billing.deliver()
  await mirror.sync()
  expect(await shop.available(customer)).toBe('19.996')
  setTime('2027-02-28T10:00:00Z')
  // The fee alone is paid with money.
  expect(await shop.bill(id)).toMatchObject({ subtotal: 2500, total: 2000, status: 'paid' })
  expect(Number(await shop.available(customer))).toBeCloseTo(20, 1)
  expect(await credits.balance(customer)).toMatchObject({ debt: '0' })
})

test('a pack that is sold and spent in advance: the invoice has nothing on it', async () => {
  const shop = await withProduct()
  const { customer } = shop
  const pack = await shop.pack()
  shop.billing.completeCheckout((await shop.checkout(pack.id, customer)).id)
  await shop.billing.deliver()
  const { id } = await shop.subscribe(await shop.atCost())
  await shop.spend('12.5', '12.5')
  expect(await shop.available(customer)).toBe('0')
  expect(shop.fake.meterEvents).toEqual([])
  setTime('2027-02-28T10:00:00Z')
  expect(await shop.bill(id)).toMatchObject({ subtotal: 0, total: 0, status: 'paid' })
})
