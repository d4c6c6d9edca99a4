import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import Stripe from 'stripe'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCredits } from '../../src/index.ts'
import { everyStore } from '../stores.ts'
import { day, openShop as open, type ShopOptions } from './shop.ts'

const stores = Object.entries(everyStore())

describe.each(stores)('webhook with books in %s', (_, store) => {
  const openShop = (options: ShopOptions = {}) => open({ outbox: store(), ...options })

  const plans = [
    { id: 'basic', usd: '10', period: 'month' },
    { id: 'pro', usd: '50', period: 'month' },
  ] as const

  test.each([false, true])(
    'a pack at Checkout is one grant of what its price says (thin: %s)',
    async (thin) => {
      const shop = await openShop({ thin })
      const customer = await shop.customer()
      const price = await shop.pack()
      const { id } = await shop.checkout(price.id, customer, {
        line_items: [{ price: price.id, quantity: 2 }],
        invoice_creation: { enabled: true },
      })
      shop.billing.completeCheckout(id)
      const answers = await shop.billing.deliver()
      expect(answers.map(({ event, status }) => [event.type, status])).toEqual([
        ['invoice.paid', 200],
        ['checkout.session.completed', 200],
      ])
      expect(await shop.available(customer)).toBe('50')
      const { payment_intent: intent } = await shop.stripe.checkout.sessions.retrieve(id)
      expect((await shop.credits.balance(customer)).grants).toMatchObject([
        { kind: 'paid', amount: '50', source: intent, expiresAt: null },
      ])
      expect(shop.reports).toMatchObject([{ customer, granted: '50', type: 'invoice.paid' }])
      expect(shop.errors).toEqual([])
    },
  )

  test('money that is on its way grants nothing until it has come', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    const price = await shop.pack()
    const [one, other] = [
      await shop.checkout(price.id, customer),
      await shop.checkout(price.id, customer),
    ]
    shop.billing.completeCheckout(one.id, 'processing')
    shop.billing.completeCheckout(other.id, 'processing')
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('0')
    shop.billing.settleCheckout(one.id, 'paid')
    shop.billing.settleCheckout(other.id, 'failed')
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('25')
  })

  test('a refund takes its share back, of what is unspent first; one that fails gives it back', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    shop.billing.completeCheckout((await shop.checkout((await shop.pack()).id, customer)).id)
    await shop.billing.deliver()
    await shop.use('r1', customer, '10')
    const [payment] = (await shop.credits.balance(customer)).grants
    const intent = payment?.source ?? ''
    // 10 of 30 euros: a third of 25 dollars, rounded up at the twelfth digit.
    const refund = await shop.stripe.refunds.create({ payment_intent: intent, amount: 1000 })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('6.666666666666')
    await shop.stripe.refunds.create({ payment_intent: intent })
    await shop.billing.deliver()
    expect(await shop.credits.balance(customer)).toMatchObject({ available: '-10', debt: '10' })
    shop.billing.failRefund(refund.id)
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('-1.666666666667')
  })

  test('a dispute takes the credit, and a won one gives it back', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    shop.billing.completeCheckout((await shop.checkout((await shop.pack()).id, customer)).id)
    await shop.billing.deliver()
    const [payment] = (await shop.credits.balance(customer)).grants
    const dispute = shop.billing.dispute(payment?.source ?? '')
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('0')
    shop.billing.closeDispute(dispute, 'won')
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('25')
    // What was said before comes late.
    await shop.billing.deliver({ events: shop.billing.events })
    expect(await shop.available(customer)).toBe('25')
  })

  test('an invoice of nothing, a line of nothing and a change in mid-period grant nothing', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const pack = await shop.price({ metadata: { token_meter_usd: '25' } })
    const plain = await shop.price()
    shop.billing.invoice(customer, [{ price: pack.id, discount: 3000 }])
    shop.billing.invoice(customer, [{ price: pack.id, discount: 3000 }, { price: plain.id }])
    shop.billing.invoice(customer, [{ price: pack.id, isProration: true }])
    shop.billing.invoice(customer, [{ price: plain.id }])
    await shop.billing.deliver()
    expect(await shop.credits.history(customer)).toEqual({ entries: [] })
    // A trial begins with an invoice of nothing: it is a plan's period all the same.
    const pro = await shop.monthly({ token_meter_plan: 'pro', token_meter_usd: '7' })
    const trialEnd = Math.floor((shop.clock.now() + 14 * day) / 1000)
    await shop.stripe.subscriptions.create({
      customer,
      items: [{ price: pro.id }],
      trial_end: trialEnd,
    })
    await shop.billing.deliver()
    expect((await shop.credits.balance(customer)).grants).toMatchObject([
      { kind: 'plan', amount: '50', expiresAt: trialEnd * 1000 },
    ])
  })

  test('an invoice that no payment intent paid is a grant a line', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    const pack = await shop.price({ metadata: { token_meter_usd: '25' } })
    shop.billing.declineCard(customer)
    const invoice = shop.billing.invoice(customer, [
      { price: pack.id },
      { price: pack.id, quantity: 3 },
    ])
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('0')
    await shop.stripe.invoices.pay(invoice, { paid_out_of_band: true })
    await shop.billing.deliver()
    await shop.billing.deliver({ events: shop.billing.events })
    const { grants } = await shop.credits.balance(customer)
    expect(grants).toMatchObject([
      { amount: '25', source: invoice },
      { amount: '75', source: invoice },
    ])
    const note = await shop.stripe.creditNotes.create({
      invoice,
      amount: 6000,
      out_of_band_amount: 6000,
    })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('50')
    await shop.stripe.creditNotes.voidCreditNote(note.id)
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('100')
  })

  test('a credit note that refunds is one refund', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    const pack = await shop.price({ metadata: { token_meter_usd: '25' } })
    const invoice = shop.billing.invoice(customer, [{ price: pack.id }])
    await shop.stripe.creditNotes.create({
      invoice,
      amount: 1200,
      refund_amount: 600,
      credit_amount: 600,
    })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('15')
  })

  test('a subscription goes up at once, down at the end of its period, and is over when it is canceled', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const [basic, pro] = [
      await shop.monthly({ token_meter_plan: 'basic' }),
      await shop.monthly({ token_meter_plan: 'pro' }),
    ]
    const session = await shop.checkout(basic.id, customer, { mode: 'subscription' })
    shop.billing.completeCheckout(session.id)
    await shop.billing.deliver()
    const { subscription } = await shop.stripe.checkout.sessions.retrieve(session.id)
    const id = String(subscription)
    const { items } = await shop.stripe.subscriptions.retrieve(id)
    const [item] = items.data
    await shop.use('r1', customer, '4')
    const change = (price: string) =>
      shop.stripe.subscriptions.update(id, { items: [{ id: item?.id ?? '', price }] })
    await change(pro.id)
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('46')
    await change(basic.id)
    await shop.billing.deliver()
    expect(await shop.credits.plansOf(customer)).toMatchObject([{ plan: 'pro', next: 'basic' }])
    shop.clock.offset = (item?.current_period_end ?? 0) * 1000 - Date.now() + 1000
    // Nobody has told us yet: the period is over by the clock.
    expect(await shop.available(customer)).toBe('10')
    shop.billing.endPeriod(id)
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('10')
    await shop.stripe.subscriptions.cancel(id)
    await shop.billing.deliver({
      order: (events) => events.toReversed(),
      events: shop.billing.events,
    })
    expect(await shop.available(customer)).toBe('0')
    expect(await shop.credits.plansOf(customer)).toEqual([])
    await shop.billing.deliver({ events: shop.billing.events })
    expect(await shop.available(customer)).toBe('0')
    expect(shop.errors).toEqual([])
  })

  test('whose payment it is, an option says; one that is nobody’s is told', async () => {
    const shop = await openShop({
      webhook: {
        customer: ({ clientReferenceId }) => clientReferenceId,
        terms: () => ({ expiresAt: new Date('2100-01-01'), priority: 7 }),
      },
    })
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, await shop.customer(), {
      client_reference_id: 'user_7',
    })
    shop.billing.completeCheckout(id)
    shop.billing.completeCheckout((await shop.checkout(price.id, await shop.customer())).id)
    expect((await shop.billing.deliver()).map(({ status }) => status)).toEqual([200, 200])
    expect((await shop.credits.balance('user_7')).grants).toMatchObject([
      { amount: '25', priority: 7, expiresAt: Date.parse('2100-01-01') },
    ])
    expect(shop.errors).toEqual([expect.stringMatching(/is of a payment for credit, and nobody's/)])
  })

  test('while Stripe or the store cannot be reached it comes again, and is granted once', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    shop.billing.completeCheckout((await shop.checkout((await shop.pack()).id, customer)).id)
    shop.fake.failWith({ status: 500 })
    expect(await shop.billing.deliver()).toMatchObject([{ status: 503 }])
    shop.fake.failWith({ connection: 'reset' }, { to: '/line_items', times: 2 })
    expect(await shop.billing.deliver()).toMatchObject([{ status: 503 }])
    shop.fake.failWith({
      status: 403,
      body: { error: { message: 'The key rk_live_fake may not' } },
    })
    expect(await shop.billing.deliver()).toMatchObject([{ status: 500 }])
    expect(shop.errors.at(-1)).toMatch(/the key of the client may not read what it is about/)
    expect(await shop.billing.deliver()).toMatchObject([{ status: 200 }])
    expect(await shop.billing.deliver()).toEqual([])
    expect(await shop.available(customer)).toBe('25')
    expect(shop.errors.join()).not.toContain('rk_live_fake')
  })

  test('two processes that are told at the same time grant once', async () => {
    const path = temporaryFile()
    const shop = await openShop({ outbox: sqliteOutbox(path) })
    const others = [1, 2].map(() => {
      const outbox = sqliteOutbox(path)
      onTestFinished(async () => void (await outbox.close()))
      return shop.webhookFor(createCredits({ outbox }))
    })
    const handles = [shop.webhookFor(shop.credits), ...others]
    let turn = 0
    shop.setHandle(async (request) => (await handles[turn++ % 3]?.(request)) ?? Response.error())
    const customer = await shop.customer()
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, customer, { invoice_creation: { enabled: true } })
    shop.billing.completeCheckout(id)
    const { events } = shop.billing
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => shop.billing.deliver({ events })),
    )
    for (const { status } of answers.flat()) expect([200, 503]).toContain(status)
    await shop.billing.deliver({ events })
    expect(await shop.available(customer)).toBe('25')
    await shop.outbox.close()
  })

  test('what a connected account is paid is read there, and is an account of its own', async () => {
    const shop = await openShop()
    const customer = await shop.customer()
    const session = await shop.checkout((await shop.pack()).id, customer)
    shop.billing.completeCheckout(session.id)
    const payload = JSON.stringify({
      id: 'evt_1',
      object: 'event',
      type: 'checkout.session.completed',
      created: 1,
      account: 'acct_7',
      data: { object: { id: session.id } },
    })
    const [secret = ''] = shop.secrets
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret })
    const before = shop.fake.requests.length
    const headers = { 'stripe-signature': signature }
    const request = new Request('http://x/', { method: 'POST', headers, body: payload })
    expect((await shop.webhookFor(shop.credits)(request)).status).toBe(200)
    for (const { headers: sent } of shop.fake.requests.slice(before)) {
      expect(sent['stripe-account']).toBe('acct_7')
    }
    expect(shop.reports).toMatchObject([{ customer, granted: '25' }])
    expect(await shop.available(customer)).toBe('0')
  })
})
