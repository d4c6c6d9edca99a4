import { describe, expect, test } from 'vitest'
import { everyStore } from '../stores.ts'
import { day, openShop as open, type ShopOptions } from './shop.ts'

const plans = [{ id: 'basic', usd: '10', period: 'month' }] as const

describe.each(Object.entries(everyStore()))('erased customers, books in %s', (_, store) => {
  const openShop = (options: ShopOptions = {}) => open({ outbox: store(), ...options })

  test('what an erased customer paid is given once, and is taken back where it was given', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const price = await shop.pack()
    const { id } = await shop.checkout(price.id, customer)
    shop.billing.completeCheckout(id)
    const plan = await shop.monthly({ token_meter_plan: 'basic' })
    await shop.stripe.subscriptions.create({ customer, items: [{ price: plan.id }] })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('35')
    const { payment_intent: intent } = await shop.stripe.checkout.sessions.retrieve(id)
    const terms = { usd: '25', idempotencyKey: String(intent) }
    expect(await shop.credits.erase(customer)).toMatchObject({ accounts: 1 })
    shop.reports.length = 0
    const sums = async () => (await shop.credits.reconcile()).sums

    const before = await sums()
    await shop.billing.deliver({ events: shop.billing.events })
    await shop.credits.grant(customer, terms)
    expect(await sums()).toEqual(before)
    expect(await shop.available(customer)).toBe('0')
    expect(shop.reports).toEqual([])

    await shop.stripe.refunds.create({ payment_intent: String(intent), amount: 600 })
    await shop.billing.deliver()
    expect(shop.reports).toMatchObject([
      { customer: expect.stringMatching(/^erased:/), granted: '0', revoked: '5' },
    ])
    expect(await shop.credits.history(customer)).toEqual({ entries: [] })
    const dispute = shop.billing.dispute(String(intent))
    await shop.billing.deliver()
    shop.billing.closeDispute(dispute, 'won')
    await shop.billing.deliver()
    expect(shop.reports).toMatchObject([{ revoked: '5' }, { revoked: '20' }, { restored: '20' }])
    expect(await shop.credits.history(customer)).toEqual({ entries: [] })
    expect(await shop.credits.verify()).toEqual([])

    // Whoever comes back begins anew.
    const again = await shop.checkout(price.id, customer)
    shop.billing.completeCheckout(again.id)
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('25')
    expect(shop.errors).toEqual([])
  })

  test('what is told late of an erased customer reaches the erased account, and opens none', async () => {
    const free = { id: 'free', usd: '1', period: 'month', default: true } as const
    const shop = await openShop({ plans: [...plans, free], webhook: { graceDays: 0 } })
    const { billing, stripe, credits, available } = shop
    const customer = await shop.customer()
    const plan = await shop.monthly({ token_meter_plan: 'basic' })
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: plan.id }] })
    const pack = await shop.checkout((await shop.pack()).id, customer)
    billing.completeCheckout(pack.id)
    await billing.deliver()
    expect(await available(customer)).toBe('35')
    const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(pack.id)
    await credits.erase(customer)

    billing.declineCard(customer)
    shop.clock.offset += 31 * day
    billing.endPeriod(id)
    const { id: price } = await shop.price()
    const owed = billing.invoice(customer, [{ price }])
    const byHand = await stripe.billing.creditGrants.create({
      customer,
      amount: { type: 'monetary', monetary: { currency: 'usd', value: 700 } },
      applicability_config: { scope: { price_type: 'metered' } },
      category: 'promotional',
    })
    await stripe.billing.creditGrants.voidGrant(byHand.id)
    await billing.deliver()
    const source = String(intent)
    expect(await credits.revoke(customer, { source, amount: '5', idempotencyKey: 're_1' })).toBe(
      '5',
    )
    expect(await credits.revoke(customer, { source, amount: '5', idempotencyKey: 're_1' })).toBe(
      '0',
    )
    expect(await credits.unrevoke(customer, { source, idempotencyKey: 're_1' })).toBe(true)
    expect(await credits.unrevoke(customer, { source, idempotencyKey: 're_1' })).toBe(false)
    expect(await credits.revoke(customer, { source: 'pi_x', idempotencyKey: 're_2' })).toBe('0')
    expect(await credits.history(customer)).toEqual({ entries: [] })

    await stripe.invoices.voidInvoice(owed)
    // Whoever comes back has what is theirs: what was of the erased account is neither given nor taken.
    expect(await available(customer)).toBe('1')
    await billing.deliver({ events: billing.events })
    expect(await credits.balance(customer)).toMatchObject({ available: '1', blocked: null })
    await credits.revoke(customer, { source, idempotencyKey: 're_3' })
    expect(await available(customer)).toBe('1')
    expect(await credits.verify()).toEqual([])
    expect(shop.errors).toEqual([])
  })
})
