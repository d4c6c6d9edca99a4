import { createCredits } from '../../src/index.ts'
import Stripe from 'stripe'
import { describe, expect, test } from 'vitest'
import { everyStore } from '../stores.ts'
import { day, openShop as open, type ShopOptions } from './shop.ts'

const plans = [
  { id: 'basic', usd: '10', period: 'month' },
  { id: 'pro', usd: '50', period: 'month' },
] as const

describe.each(Object.entries(everyStore()))('what comes of Stripe, books in %s', (_, store) => {
  const openShop = (options: ShopOptions = {}) => open({ outbox: store(), ...options })

  async function bought(options: ShopOptions = {}) {
    const shop = await openShop(options)
    const customer = await shop.customer()
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, customer)
    shop.billing.completeCheckout(id)
    await shop.billing.deliver()
    const { payment_intent: intent } = await shop.stripe.checkout.sessions.retrieve(id)
    return { ...shop, customer, intent: String(intent) }
  }

  test('whose a payment is, its Checkout says, whichever event leads to it', async () => {
    const shop = await openShop({
      plans,
      webhook: {
        customer: ({ clientReferenceId, customer, metadata }) =>
          metadata['team'] ?? clientReferenceId ?? customer,
      },
    })
    const customer = await shop.customer()
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, customer, {
      client_reference_id: 'user_7',
      invoice_creation: { enabled: true },
    })
    shop.billing.completeCheckout(id)
    const basic = await shop.monthly({ token_meter_plan: 'basic', token_meter_usd: '5' })
    const session = await shop.checkout(basic.id, customer, {
      mode: 'subscription',
      metadata: { team: 'team_7' },
    })
    shop.billing.completeCheckout(session.id)
    await shop.billing.deliver()
    expect(await shop.available('user_7')).toBe('25')
    expect(await shop.available('team_7')).toBe('15')
    expect(await shop.available(customer)).toBe('0')
    const { payment_intent: intent } = await shop.stripe.checkout.sessions.retrieve(id)
    await shop.stripe.refunds.create({ payment_intent: String(intent) })
    await shop.billing.deliver()
    expect(await shop.available('user_7')).toBe('0')
    expect(shop.errors).toEqual([])
  })

  test('a refund beside a dispute has its whole share once the dispute is won', async () => {
    const { billing, stripe, intent, customer, available } = await bought()
    const dispute = billing.dispute(intent, 2000)
    await billing.deliver()
    const refund = await stripe.refunds.create({ payment_intent: intent })
    await billing.deliver()
    expect(await available(customer)).toBe('0')
    billing.closeDispute(dispute, 'won')
    await billing.deliver()
    expect(await available(customer)).toBe('0')
    billing.failRefund(refund.id)
    await billing.deliver()
    expect(await available(customer)).toBe('25')
    await billing.deliver({ events: billing.events, order: (all) => all.toReversed() })
    expect(await available(customer)).toBe('25')
  })

  test('a dispute that was won and is lost after all takes the credit again', async () => {
    const { billing, intent, customer, available } = await bought()
    const dispute = billing.dispute(intent)
    for (const [status, left] of [
      ['won', '25'],
      ['lost', '0'],
      ['won', '25'],
      ['lost', '0'],
    ] as const) {
      billing.closeDispute(dispute, status)
      await billing.deliver()
      expect(await available(customer)).toBe(left)
    }
  })

  test('refunds in parts of what has expired take what was spent, once', async () => {
    const until = Date.now() + day
    const shop = await bought({ webhook: { terms: () => ({ expiresAt: until }) } })
    const { billing, stripe, intent, customer, available, clock } = shop
    await shop.use('r1', customer, '15')
    await expect.poll(() => available(customer), { timeout: 10_000 }).toBe('10')
    clock.offset += 2 * day
    expect(await available(customer)).toBe('0')
    const half = await stripe.refunds.create({ payment_intent: intent, amount: 1500 })
    await billing.deliver()
    expect(await available(customer)).toBe('-2.5')
    await stripe.refunds.create({ payment_intent: intent, amount: 1500 })
    await billing.deliver()
    expect(await available(customer)).toBe('-15')
    billing.failRefund(half.id)
    await billing.deliver()
    expect(await available(customer)).toBe('-12.5')
  })

  test('a subscription that goes on in its period has what is left of it', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const [basic, pro] = [
      await shop.monthly({ token_meter_plan: 'basic' }),
      await shop.monthly({ token_meter_plan: 'pro' }),
    ]
    const { id, items } = await shop.stripe.subscriptions.create({
      customer,
      items: [{ price: basic.id }],
    })
    await shop.billing.deliver()
    await shop.use('r1', customer, '4')
    await expect.poll(() => shop.available(customer), { timeout: 10_000 }).toBe('6')
    const become = async (status: 'unpaid' | 'paused' | 'active') => {
      shop.billing.setSubscription(id, status)
      await shop.billing.deliver()
      return shop.available(customer)
    }
    expect(await become('unpaid')).toBe('0')
    expect(await become('active')).toBe('6')
    expect(await become('paused')).toBe('0')
    expect(await become('active')).toBe('6')
    expect(await become('unpaid')).toBe('0')
    const item = items.data[0]?.id ?? ''
    await shop.stripe.subscriptions.update(id, { items: [{ id: item, price: pro.id }] })
    expect(await become('active')).toBe('46')
    expect(await become('paused')).toBe('0')
    expect(await become('active')).toBe('46')
    shop.clock.offset += 32 * day
    expect(await shop.available(customer)).toBe('50')
  })

  test('a subscription to several seats includes as many times its plan', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const { id: price } = await shop.monthly({ token_meter_plan: 'basic' })
    const { id, items } = await shop.stripe.subscriptions.create({
      customer,
      items: [{ price, quantity: 5 }],
    })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('50')
    const item = items.data[0]?.id ?? ''
    const seats = async (quantity: number) => {
      await shop.stripe.subscriptions.update(id, { items: [{ id: item, quantity }] })
      await shop.billing.deliver({ events: shop.billing.events })
    }
    await seats(7)
    expect(await shop.available(customer)).toBe('70')
    await seats(2)
    expect(await shop.available(customer)).toBe('70')
    expect(await shop.credits.plansOf(customer)).toMatchObject([{ quantity: 7, nextQuantity: 2 }])
    shop.clock.offset += 32 * day
    expect(await shop.available(customer)).toBe('20')
    expect(shop.errors).toEqual([])
  })

  test('items that nothing is paid for include nothing, and all others count', async () => {
    const shop = await openShop({ plans: [...plans, { id: 'extra', usd: '1', period: 'month' }] })
    const customer = await shop.customer()
    const [basic, extra] = [
      await shop.monthly({ token_meter_plan: 'basic' }),
      await shop.monthly({ token_meter_plan: 'extra' }),
    ]
    const others = Array.from({ length: 12 }, () => ({ price: extra.id }))
    await shop.stripe.subscriptions.create({
      customer,
      items: [{ price: basic.id, quantity: 0 }, ...others],
    })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('12')
  })
})

test('metadata that is no amount is told, and granted once it is put right', async () => {
  const shop = await open()
  const customer = await shop.customer()
  for (const usd of ['25.00 USD', '-5', '0', '1e3', '9'.repeat(30), '$5']) {
    const price = await shop.price({ metadata: { token_meter_usd: usd } })
    shop.billing.invoice(customer, [{ price: price.id }])
    expect((await shop.billing.deliver()).map(({ status }) => status)).toEqual([500])
    expect(shop.errors.at(-1)).toMatch(/could not be applied/)
    await shop.stripe.prices.update(price.id, { metadata: { token_meter_usd: ' 2.50 ' } })
    expect((await shop.billing.deliver()).map(({ status }) => status)).toEqual([200])
  }
  expect(await shop.available(customer)).toBe('15')
})

test('a plan that is not known is told, and given once it is', async () => {
  const shop = await open()
  const customer = await shop.customer()
  const { id: price } = await shop.monthly({ token_meter_plan: 'gold' })
  await shop.stripe.subscriptions.create({ customer, items: [{ price }] })
  expect((await shop.billing.deliver()).map(({ status }) => status)).toContain(500)
  expect(shop.errors.at(-1)).toMatch(/the plan "gold", which createCredits\(\{ plans \}\)/)
  const plans = [{ id: 'gold', usd: '10', period: 'month' }] as const
  const next = createCredits({ outbox: shop.outbox, ephemeral: true, now: shop.clock.now, plans })
  shop.setHandle(shop.webhookFor(next))
  expect((await shop.billing.deliver()).every(({ status }) => status === 200)).toBe(true)
  expect(await next.balance(customer)).toMatchObject({ available: '10' })
})

test('thousands of lines, in a currency without minor units, are all read', async () => {
  const shop = await open()
  const customer = await shop.customer()
  const price = await shop.price({ currency: 'jpy', metadata: { token_meter_usd: '0.01' } })
  shop.billing.invoice(
    customer,
    Array.from({ length: 1234 }, () => ({ price: price.id })),
  )
  await shop.billing.deliver()
  expect(await shop.available(customer)).toBe('12.34')
})

test('what Stripe answers has the shape that the package knows, whatever the client asks for', async () => {
  const shop = await open()
  const { apiKey, host, port } = shop.fake
  const old = { apiVersion: '2024-06-20' as typeof Stripe.API_VERSION }
  const stripe = new Stripe(apiKey, { host, port, protocol: 'http', telemetry: false, ...old })
  shop.setHandle(shop.webhookFor(shop.credits, { stripe }))
  const customer = await shop.customer()
  const { id } = await shop.checkout((await shop.pack()).id, customer, {
    invoice_creation: { enabled: true },
  })
  shop.billing.completeCheckout(id)
  const before = shop.fake.requests.length
  await shop.billing.deliver()
  const asked = shop.fake.requests.slice(before).map(({ headers }) => headers['stripe-version'])
  expect(new Set(asked)).toEqual(new Set([Stripe.API_VERSION]))
})

test('test events at a live endpoint are nothing that Stripe has to send again', async () => {
  const shop = await open()
  const send = async (livemode: boolean) => {
    const message =
      "No such invoice: 'in_1'; a similar object exists in test mode, but a live mode key was used to make this request."
    const error = { type: 'invalid_request_error', code: 'resource_missing', message }
    shop.fake.failWith({ status: 404, body: { error } })
    const of = { id: 'evt_1', object: 'event', type: 'invoice.paid', created: 1, livemode }
    const payload = JSON.stringify({ ...of, account: 'acct_7', data: { object: { id: 'in_1' } } })
    const [secret = ''] = shop.secrets
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret })
    const headers = { 'stripe-signature': signature }
    const handle = shop.webhookFor(shop.credits)
    return handle(new Request('http://x/', { method: 'POST', headers, body: payload }))
  }
  expect((await send(false)).status).toBe(200)
  expect((await send(true)).status).toBe(500)
})
