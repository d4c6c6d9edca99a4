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

  test('an invoice of what an erased account had in tokens blocks none that its customer has since', async () => {
    const many = { id: 'many', tokens: '1000', period: 'month' } as const
    const shop = await openShop({ plans: [many], webhook: { graceDays: 0 } })
    const customer = await shop.customer()
    const { id: price } = await shop.monthly({ token_meter_plan: 'many' })
    const { id } = await shop.stripe.subscriptions.create({ customer, items: [{ price }] })
    await shop.billing.deliver()
    expect(await shop.credits.erase(customer)).toMatchObject({ accounts: 1 })
    await shop.credits.account(customer)
    shop.billing.declineCard(customer)
    shop.clock.offset += 31 * day
    shop.billing.endPeriod(id)
    await shop.billing.deliver()
    expect(await shop.credits.balance(customer)).toMatchObject({ blocked: null })
    expect(shop.errors).toEqual([])
  })

  test('what was paid is revoked by the old name where it is, and opens no account', async () => {
    const shop = await openShop()
    const { billing, stripe, credits } = shop
    const customer = await shop.customer()
    const pack = await shop.checkout((await shop.pack()).id, customer)
    billing.completeCheckout(pack.id)
    await billing.deliver()
    const { payment_intent: intent } = await stripe.checkout.sessions.retrieve(pack.id)
    await credits.erase(customer)
    const of = { source: String(intent), idempotencyKey: 're_1' }
    const revoke = () => credits.revoke(customer, { ...of, amount: '5' })
    expect([await revoke(), await revoke()]).toEqual(['5', '0'])
    const unrevoke = () => credits.unrevoke(customer, of)
    expect([await unrevoke(), await unrevoke()]).toEqual([true, false])
    expect(await credits.revoke(customer, { source: 'pi_x', idempotencyKey: 're_2' })).toBe('0')
    expect(await credits.erase(customer)).toMatchObject({ accounts: 0 })

    // Whoever comes back has what is theirs.
    await credits.grant(customer, { usd: '3', idempotencyKey: 'pi_3' })
    expect(await credits.revoke(customer, { ...of, idempotencyKey: 're_3' })).toBe('25')
    expect(await shop.available(customer)).toBe('3')
    expect(await credits.verify()).toEqual([])
  })

  test('what is told late of an erased customer opens no account', async () => {
    const free = { id: 'free', usd: '1', period: 'month', default: true } as const
    const shop = await openShop({ plans: [...plans, free], webhook: { graceDays: 0 } })
    const { billing, stripe, credits } = shop
    const customer = await shop.customer()
    const plan = await shop.monthly({ token_meter_plan: 'basic' })
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: plan.id }] })
    await billing.deliver()
    expect(await shop.available(customer)).toBe('10')
    await credits.erase(customer)

    billing.declineCard(customer)
    shop.clock.offset += 31 * day
    billing.endPeriod(id)
    const { id: price } = await shop.price()
    const owed = billing.invoice(customer, [{ price }])
    const gift = await stripe.billing.creditGrants.create({
      customer,
      amount: { type: 'monetary', monetary: { currency: 'usd', value: 700 } },
      applicability_config: { scope: { price_type: 'metered' } },
      category: 'promotional',
    })
    await stripe.billing.creditGrants.voidGrant(gift.id)
    await billing.deliver()
    expect(await credits.history(customer)).toEqual({ entries: [] })
    expect(await credits.erase(customer)).toMatchObject({ accounts: 0 })

    await stripe.invoices.voidInvoice(owed)
    expect(await shop.available(customer)).toBe('1')
    const failed = billing.events.filter(({ type }) => type.startsWith('invoice.payment_failed'))
    expect(failed).toHaveLength(2)
    await billing.deliver({ events: failed })
    expect(await credits.balance(customer)).toMatchObject({ available: '1', blocked: null })
    expect(await credits.verify()).toEqual([])
    expect(shop.errors).toEqual([])
  }, 60_000)
})
