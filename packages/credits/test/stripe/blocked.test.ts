import { describe, expect, test } from 'vitest'
import { everyStore } from '../stores.ts'
import { day, openShop as open, type ShopOptions } from './shop.ts'

const plans = [{ id: 'basic', usd: '10', period: 'month' }] as const

describe.each(Object.entries(everyStore()))('invoices that fail, books in %s', (_, store) => {
  const openShop = (options: ShopOptions = {}) => open({ outbox: store(), ...options })

  test('an invoice that fails makes nobody a prepaid customer', async () => {
    const shop = await openShop({ webhook: { graceDays: 0 } })
    const customer = await shop.customer()
    shop.billing.declineCard(customer)
    const { id: price } = await shop.price()
    shop.billing.invoice(customer, [{ price }])
    await shop.billing.deliver()
    expect(await shop.credits.balance(customer)).toMatchObject({ blocked: null })
    expect(await shop.credits.erase(customer)).toMatchObject({ accounts: 0 })
  })

  test('a payment that fails blocks when its grace is over, until it is paid', async () => {
    const shop = await openShop({ plans })
    const customer = await shop.customer()
    const basic = await shop.monthly({ token_meter_plan: 'basic' })
    const { id } = await shop.stripe.subscriptions.create({
      customer,
      items: [{ price: basic.id }],
    })
    await shop.billing.deliver()
    expect(await shop.available(customer)).toBe('10')
    shop.billing.declineCard(customer)
    shop.clock.offset += 31 * day
    const invoice = shop.billing.endPeriod(id) ?? ''
    await shop.billing.deliver()
    await (await shop.credits.hold(customer, { usd: '1' })).release()
    shop.clock.offset += 3 * day - 60_000
    await (await shop.credits.hold(customer, { usd: '1' })).release()
    shop.clock.offset += 60_000
    await expect(shop.credits.hold(customer, { usd: '1' })).rejects.toMatchObject({
      code: 'insufficient_credits',
      blocked: 'payment_failed',
    })
    shop.billing.declineCard(customer, false)
    await shop.stripe.invoices.pay(invoice)
    await shop.billing.deliver()
    await shop.billing.deliver({ events: shop.billing.events })
    expect(await shop.credits.balance(customer)).toMatchObject({ available: '10', blocked: null })
  })

  test('an invoice that is void blocks no more; what somebody blocked stays blocked', async () => {
    const shop = await openShop({ webhook: { graceDays: 0 } })
    const customer = await shop.customer()
    await shop.credits.account(customer)
    await shop.credits.account(customer, { unit: 'tokens' })
    const plain = await shop.price()
    shop.billing.declineCard(customer)
    const first = shop.billing.invoice(customer, [{ price: plain.id }])
    const second = shop.billing.invoice(customer, [{ price: plain.id }])
    await shop.billing.deliver()
    const blocked = async () => (await shop.credits.balance(customer)).blocked
    expect(await blocked()).toBe('payment_failed')
    expect(await shop.credits.balance(customer, { unit: 'tokens' })).toMatchObject({
      blocked: 'payment_failed',
    })
    await shop.stripe.invoices.voidInvoice(first)
    await shop.billing.deliver()
    expect(await blocked()).toBe('payment_failed')
    await shop.stripe.invoices.voidInvoice(second)
    await shop.billing.deliver()
    expect(await blocked()).toBe(null)
    await shop.credits.block(customer, 'abuse')
    await shop.billing.deliver({ events: shop.billing.events })
    expect(await blocked()).toBe('abuse')
  })

  test('who is let go by hand goes on until that payment fails again, or another is overdue', async () => {
    const shop = await openShop({ webhook: { graceDays: 1 } })
    const customer = await shop.customer()
    await shop.credits.account(customer)
    const plain = await shop.price()
    const owe = () => shop.billing.invoice(customer, [{ price: plain.id }])
    const blocked = async () => (await shop.credits.balance(customer)).blocked
    shop.billing.declineCard(customer)
    const first = owe()
    await shop.billing.deliver()
    shop.clock.offset += day
    expect(await blocked()).toBe('payment_failed')
    await shop.credits.block(customer, null)
    expect(await blocked()).toBe(null)
    // What has happened before is told again.
    await shop.billing.deliver({ events: shop.billing.events })
    shop.clock.offset += 2 * day
    expect(await blocked()).toBe(null)
    await shop.stripe.invoices.pay(first).catch(() => undefined)
    await shop.billing.deliver()
    expect(await blocked()).toBe('payment_failed')

    await shop.credits.block(customer, null)
    const second = owe()
    await shop.billing.deliver()
    expect(await blocked()).toBe(null)
    shop.clock.offset += day
    expect(await blocked()).toBe('payment_failed')
    // The first has been let go: the second one alone blocks.
    await shop.stripe.invoices.voidInvoice(second)
    await shop.billing.deliver()
    expect(await blocked()).toBe(null)
    await shop.billing.deliver({ events: shop.billing.events })
    expect(await blocked()).toBe(null)
  })
})
