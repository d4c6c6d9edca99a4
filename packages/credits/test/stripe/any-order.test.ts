import { memoryOutbox } from '@token-meter/core'
import { exampleRecord, type StripeEvent } from '@token-meter/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCredits } from '../../src/index.ts'
import { subjectOf } from '../../src/stripe/subjects.ts'
import { day, openShop } from './shop.ts'

const plans = [
  { id: 'basic', usd: '10', period: 'month' },
  { id: 'pro', usd: '50', period: 'month' },
] as const

/**
 * Two customers at Stripe: what one bought is refunded in parts, disputed and noted, a payment of the
 * other's failed and came, and its plan went up.
 */
async function story() {
  const shop = await openShop({ plans })
  const { billing, stripe } = shop
  const [buyer, subscriber] = [await shop.customer(), await shop.customer()]
  const price = await shop.pack()
  const buy = async (outcome: 'paid' | 'processing' = 'paid', withInvoice = false) => {
    const { id } = await shop.checkout(price.id, buyer, {
      line_items: [{ price: price.id, quantity: 2 }],
      ...(withInvoice && { invoice_creation: { enabled: true } }),
    })
    billing.completeCheckout(id, outcome)
    if (outcome === 'processing') billing.settleCheckout(id, 'paid')
    const session = await stripe.checkout.sessions.retrieve(id)
    return String(session.payment_intent)
  }
  // 50 each, of 6000 cents each.
  const refunded = await buy('paid', true)
  await stripe.refunds.create({ payment_intent: refunded, amount: 1500 })
  const failed = await stripe.refunds.create({ payment_intent: refunded, amount: 3000 })
  billing.failRefund(failed.id)
  await stripe.refunds.create({ payment_intent: refunded, amount: 600 })
  const won = await buy('processing')
  billing.closeDispute(billing.dispute(won), 'won')
  const lost = await buy()
  billing.closeDispute(billing.dispute(lost, 4500), 'lost')
  const usd = await shop.price({ metadata: { token_meter_usd: '12.5' } })
  const invoice = billing.invoice(buyer, [{ price: usd.id }, { price: usd.id, quantity: 3 }])
  await stripe.creditNotes.create({
    invoice,
    amount: 3000,
    refund_amount: 1200,
    credit_amount: 1800,
  })

  const [basic, pro] = [
    await shop.monthly({ token_meter_plan: 'basic' }),
    await shop.monthly({ token_meter_plan: 'pro' }),
  ]
  const gone = await stripe.subscriptions.create({
    customer: subscriber,
    items: [{ price: pro.id }],
  })
  await stripe.subscriptions.cancel(gone.id)
  billing.declineCard(subscriber)
  const {
    id,
    items,
    latest_invoice: late,
  } = await stripe.subscriptions.create({
    customer: subscriber,
    items: [{ price: basic.id }],
  })
  const paidLater = billing.invoice(subscriber, [{ price: basic.id }])
  billing.declineCard(subscriber, false)
  await stripe.invoices.pay(String(late))
  await stripe.invoices.voidInvoice(paidLater)
  const [item] = items.data
  await stripe.subscriptions.update(id, { items: [{ id: item?.id ?? '', price: pro.id }] })
  const events = billing.events.filter(({ type }) => subjectOf(type) !== undefined)
  return { shop, buyer, subscriber, events }
}

test('each event three times in any order: one grant a payment, and the same end', async () => {
  const { shop, buyer, subscriber, events } = await story()
  expect(events.length).toBeGreaterThan(25)
  const thrice = [...events, ...events, ...events]
  const order = fc
    .shuffledSubarray(
      thrice.map((_, index) => index),
      { minLength: thrice.length },
    )
    .map((indexes) => indexes.map((index) => thrice[index] as StripeEvent))
  await fc.assert(
    fc.asyncProperty(order, fc.nat(thrice.length), async (all, usedAfter) => {
      const outbox = memoryOutbox()
      const credits = createCredits({ outbox, plans, now: shop.clock.now, ephemeral: true })
      shop.setHandle(shop.webhookFor(credits, { graceDays: 0 }))
      const deliver = async (some: readonly StripeEvent[]) => {
        for (const { status } of await shop.billing.deliver({ events: some })) {
          expect(status).toBe(200)
        }
      }
      await deliver(all.slice(0, usedAfter))
      const billed = '30'
      const cost = { currency: 'USD', provider: billed, billed, source: 'prices' } as const
      await outbox.append([exampleRecord({ id: 'r1', customer: buyer, at: Date.now(), cost })])
      // Who has no account yet is billed by a backend: what was used before is no matter of the books.
      const isCharged = (await credits.history(buyer)).entries.some(({ kind }) => kind === 'usage')
      await deliver(all.slice(usedAfter))
      // 50 - 12.5 - 5 refunded, 50 won, 50 - 37.5 lost, 4 x 12.5 of which 3000 of 12000 cents noted.
      const sold = 32.5 + 50 + 12.5 + 37.5
      expect(await credits.balance(buyer)).toMatchObject({
        available: String(sold - (isCharged ? 30 : 0)),
        debt: '0',
        blocked: null,
      })
      expect(await credits.balance(subscriber)).toMatchObject({
        available: '50',
        debt: '0',
        blocked: null,
      })
      expect(await credits.plansOf(subscriber)).toMatchObject([{ plan: 'pro', next: null }])
      const { entries } = await credits.history(buyer, { limit: 1000 })
      const grants = entries.filter(({ kind }) => kind === 'grant').map(({ amount }) => amount)
      expect(grants).toEqual(['50', '50', '50', '50'])
      await outbox.close()
    }),
    { numRuns: 6, endOnFailure: true },
  )
  expect(shop.errors).toEqual([])
}, 180_000)

test('while things happen, whatever is told meanwhile: the same end', async () => {
  const shop = await openShop({ plans, webhook: { graceDays: 3 } })
  const customer = await shop.customer()
  const price = await shop.pack()
  const steps: (() => unknown)[] = []
  const { id } = await shop.checkout(price.id, customer, { invoice_creation: { enabled: true } })
  const intent = async () =>
    String((await shop.stripe.checkout.sessions.retrieve(id)).payment_intent)
  let dispute = ''
  steps.push(
    () => shop.billing.completeCheckout(id, 'processing'),
    () => shop.billing.settleCheckout(id, 'paid'),
    async () => shop.stripe.refunds.create({ payment_intent: await intent(), amount: 300 }),
    async () => (dispute = shop.billing.dispute(await intent(), 1500)),
    () => shop.billing.closeDispute(dispute, 'won'),
    async () => shop.stripe.refunds.create({ payment_intent: await intent(), amount: 300 }),
  )
  let seed = 1
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (const step of steps) {
    await step()
    const some = shop.billing.events.filter(() => random(2) === 0)
    await shop.billing.deliver({ events: some.toSorted(() => random(3) - 1) })
  }
  await shop.billing.deliver({ events: shop.billing.events, order: (all) => all.toReversed() })
  expect(await shop.credits.balance(customer)).toMatchObject({ available: '20', debt: '0' })
  shop.clock.offset += day
  await shop.billing.deliver({ events: shop.billing.events })
  expect(await shop.available(customer)).toBe('20')
})
