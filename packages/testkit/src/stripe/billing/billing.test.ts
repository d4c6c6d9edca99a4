import Stripe from 'stripe'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeStripe } from '../fake-stripe.ts'

const day = 86_400_000

async function open() {
  const clock = { at: Date.parse('2027-01-31T10:00:00Z') }
  const fake = await startFakeStripe({ now: () => clock.at, latencyMs: 0 })
  onTestFinished(() => fake.close())
  const { host, port } = fake
  const stripe = new Stripe(fake.apiKey, { host, port, protocol: 'http', maxNetworkRetries: 0 })
  const { id: product } = await stripe.products.create({ name: 'Usage' })
  const { id: customer } = await stripe.customers.create({})
  const meter = await stripe.billing.meters.create({
    display_name: 'Usage',
    event_name: 'usage',
    default_aggregation: { formula: 'sum' },
  })
  const recurring = { interval: 'month', usage_type: 'metered', meter: meter.id } as const
  const use = (value: string) =>
    stripe.billing.meterEvents.create({
      event_name: 'usage',
      payload: { stripe_customer_id: customer, value },
      timestamp: Math.floor(clock.at / 1000),
    })
  return { clock, fake, stripe, billing: fake.billing, product, customer, recurring, use }
}

test('graduated tiers are billed each at its own price, rounded once', async () => {
  const { stripe, billing, product, customer, recurring, use } = await open()
  const price = await stripe.prices.create({
    currency: 'usd',
    product,
    recurring,
    billing_scheme: 'tiered',
    tiers_mode: 'graduated',
    tiers: [
      { up_to: 100, unit_amount: 0 },
      { up_to: 1000, unit_amount_decimal: Stripe.Decimal.from('0.05') },
      { up_to: 'inf', unit_amount_decimal: Stripe.Decimal.from('0.000001'), flat_amount: 3 },
    ],
  })
  const { id } = await stripe.subscriptions.create({ customer, items: [{ price: price.id }] })
  await use('1000')
  await use('499999')
  // 900 at 0.05, then a flat 3 and 499,999 at 0.000001 cents.
  const invoice = await stripe.invoices.retrieve(billing.endPeriod(id) ?? '')
  expect(invoice).toMatchObject({
    subtotal: 48,
    total: 48,
    status: 'paid',
    billing_reason: 'subscription_cycle',
  })
  expect(invoice.lines.data).toMatchObject([{ quantity: 500_999, amount: 48 }])
})

test('credit is drawn at the invoice, in Stripe’s order, for metered lines alone', async () => {
  const { clock, stripe, billing, product, customer, recurring, use } = await open()
  const fee = await stripe.prices.create({
    currency: 'usd',
    product,
    unit_amount: 700,
    recurring: { interval: 'month' },
  })
  const usage = await stripe.prices.create({ currency: 'usd', product, unit_amount: 1, recurring })
  const grant = (value: number, change: Partial<Stripe.Billing.CreditGrantCreateParams> = {}) =>
    stripe.billing.creditGrants.create({
      customer,
      amount: { type: 'monetary', monetary: { currency: 'usd', value } },
      applicability_config: { scope: { price_type: 'metered' } },
      category: 'paid',
      ...change,
    })
  const last = await grant(100)
  const second = await grant(100, { category: 'promotional' })
  const first = await grant(100, { priority: 1 })
  const expired = await grant(100, { priority: 0, expires_at: Math.floor(clock.at / 1000) + 60 })
  const left = async ({ id }: { id: string }) => {
    const filter = { type: 'credit_grant', credit_grant: id } as const
    const { balances } = await stripe.billing.creditBalanceSummaries.retrieve({ customer, filter })
    return balances[0]?.available_balance.monetary?.value
  }
  const { id } = await stripe.subscriptions.create({
    customer,
    items: [{ price: fee.id }, { price: usage.id }],
  })
  await use('250')
  expect(await left(first)).toBe(100)
  clock.at += 28 * day
  const invoice = await stripe.invoices.retrieve(billing.endPeriod(id) ?? '')
  expect(invoice).toMatchObject({ subtotal: 950, total: 700 })
  expect(await Promise.all([first, second, last, expired].map(left))).toEqual([0, 0, 50, 100])
  await expect(stripe.billing.creditGrants.voidGrant(last.id)).rejects.toThrow(/cannot be voided/)
})

test('the same idempotency key is the same object, and another request under it is refused', async () => {
  const { stripe } = await open()
  const key = { idempotencyKey: 'k1' }
  const one = await stripe.customers.create({ name: 'A' }, key)
  expect((await stripe.customers.create({ name: 'A' }, key)).id).toBe(one.id)
  await expect(stripe.customers.create({ name: 'B' }, key)).rejects.toMatchObject({
    type: 'StripeIdempotencyError',
  })
  await expect(stripe.customers.retrieve('cus_no')).rejects.toMatchObject({
    code: 'resource_missing',
  })
})

test('Checkout sessions are listed of whom, and of what, they are asked for', async () => {
  const { stripe, billing, product, customer } = await open()
  const { id: price } = await stripe.prices.create({ currency: 'usd', product, unit_amount: 500 })
  const { id: other } = await stripe.customers.create({})
  const begin = (of: string) =>
    stripe.checkout.sessions.create({
      mode: 'payment',
      customer: of,
      line_items: [{ price, quantity: 1 }],
    })
  const [one, two, three] = [await begin(customer), await begin(other), await begin(customer)]
  billing.completeCheckout(one.id)
  const listed = async (params: Stripe.Checkout.SessionListParams) =>
    (await stripe.checkout.sessions.list(params)).data.map(({ id }) => id).toSorted()
  expect(await listed({ customer })).toEqual([one.id, three.id].toSorted())
  expect(await listed({ customer: other })).toEqual([two.id])
  expect(await listed({ customer, status: 'open' })).toEqual([three.id])
  expect(await listed({ customer: 'cus_no' })).toEqual([])
})

test('a subscription has as many of an item as it is told, and is billed for them', async () => {
  const { stripe, billing, product, customer } = await open()
  const { id: price } = await stripe.prices.create({
    currency: 'usd',
    product,
    unit_amount: 500,
    recurring: { interval: 'month' },
  })
  const { id, items } = await stripe.subscriptions.create({ customer, items: [{ price }] })
  const item = items.data[0]?.id ?? ''
  const { items: now } = await stripe.subscriptions.update(id, {
    items: [{ id: item, quantity: 3 }],
  })
  expect(now.data).toMatchObject([{ id: item, quantity: 3 }])
  expect(await stripe.invoices.retrieve(billing.endPeriod(id) ?? '')).toMatchObject({ total: 1500 })
})

test('what is done to an object that there is not says which, and where its id is from', async () => {
  const { billing } = await open()
  const none = null as never
  const wrong: Readonly<Record<string, () => unknown>> = {
    "completeCheckout(): there is no checkout session 'cs_no'": () =>
      billing.completeCheckout('cs_no'),
    'settleCheckout(): there is no checkout session null': () =>
      billing.settleCheckout(none, 'paid'),
    "declineCard(): there is no customer 'cus_no'": () => billing.declineCard('cus_no'),
    "endPeriod(): there is no subscription 'sub_no'": () => billing.endPeriod('sub_no'),
    "setSubscription(): there is no subscription 'sub_no'": () =>
      billing.setSubscription('sub_no', 'unpaid'),
    "invoice(): there is no customer 'cus_no'": () => billing.invoice('cus_no', []),
    'dispute(): there is no payment intent null': () => billing.dispute(none),
    "dispute(): there is no payment intent 'pi_no'": () => billing.dispute('pi_no'),
    "closeDispute(): there is no dispute 'dp_no'": () => billing.closeDispute('dp_no', 'won'),
    "failRefund(): there is no refund 're_no'": () => billing.failRefund('re_no'),
  }
  for (const [message, act] of Object.entries(wrong)) {
    expect(act).toThrow(`The fake Stripe's billing.${message}. `)
  }
})

test('a refund is at most what was paid, and a list comes in pages', async () => {
  const { stripe, billing, product, customer } = await open()
  const { id: price } = await stripe.prices.create({ currency: 'usd', product, unit_amount: 500 })
  const session = await stripe.checkout.sessions.create({
    mode: 'payment',
    customer,
    line_items: [{ price, quantity: 1 }],
  })
  billing.completeCheckout(session.id)
  const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(session.id)
  const payment_intent = String(intent)
  for (let count = 0; count < 5; count++)
    await stripe.refunds.create({ payment_intent, amount: 100 })
  await expect(stripe.refunds.create({ payment_intent, amount: 1 })).rejects.toThrow(/greater than/)
  const found: number[] = []
  for await (const { amount } of stripe.refunds.list({ payment_intent, limit: 2 }))
    found.push(amount)
  expect(found).toEqual([100, 100, 100, 100, 100])
  expect(billing.events.map(({ type }) => type)).toContain('charge.refunded')
})
