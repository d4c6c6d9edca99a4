import { sqliteOutbox } from '@token-meter/core/sqlite'
import { stripeSink } from '@token-meter/stripe'
import { spawnScript, temporaryFile } from '@token-meter/testkit/internal/suites'
import { join } from 'node:path'
import type Stripe from 'stripe'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type MirrorOptions, mirrorGrants } from '../../src/stripe.ts'
import { everyStore } from '../stores.ts'
import { day, openShop as openAny, type ShopOptions } from './shop.ts'

const stores = Object.entries(everyStore())

describe.each(stores)('mirror with books in %s', (_, store) => {
  const openShop = (options: ShopOptions = {}) => openAny({ outbox: store(), ...options })

  async function openMirror(options: ShopOptions = {}, change: Partial<MirrorOptions> = {}) {
    const shop = await openShop(options)
    const { apiKey, url: baseUrl } = shop.fake
    const { credits, stripe } = shop
    const sink = stripeSink({ apiKey, baseUrl, value: 'cost' })
    const errors: string[] = []
    const open = () =>
      mirrorGrants({
        credits,
        stripe,
        sink,
        onError: (message) => void errors.push(message),
        ...change,
      })
    const mirror = open()
    onTestFinished(() => mirror.close())
    const customer = await shop.customer()
    await credits.account(customer, { collect: 'mirror' })
    const atStripe = async () => {
      const { data } = await stripe.billing.creditGrants.list({ customer, limit: 100 })
      return data.toReversed()
    }
    /** Those that are neither void nor over, in cents. */
    const inUse = async () =>
      (await atStripe())
        .filter(
          ({ voided_at: voided, expires_at: until }) =>
            voided === null && (until === null || until * 1000 > shop.clock.now()),
        )
        .map(({ amount }) => amount.monetary?.value)
    return { ...shop, sink, mirror, open, customer, atStripe, inUse, errors }
  }

  test('a grant is a credit grant with its terms, once', async () => {
    const shop = await openMirror({ plans: [{ id: 'team', usd: '10', period: 'month' }] })
    const { credits, customer, clock } = shop
    const now = clock.now()
    const from = new Date(now + day)
    const until = new Date(now + 40 * day)
    await credits.grant(customer, { usd: '25', idempotencyKey: 'pi_1', priority: 7 })
    await credits.grant(customer, {
      usd: '0.01',
      idempotencyKey: 'gift',
      kind: 'promo',
      effectiveAt: from,
      expiresAt: until,
    })
    const { period } = await credits.subscribe(customer, { plan: 'team' })
    await credits.grant('cus_prepaid', { usd: '5', idempotencyKey: 'pi_2' })
    await Promise.all([shop.mirror.sync(), shop.open().sync(), shop.mirror.sync()])
    await shop.mirror.sync()
    const seconds = (ms: number) => Math.floor(ms / 1000)
    expect(await shop.atStripe()).toMatchObject([
      {
        amount: { monetary: { currency: 'usd', value: 2500 } },
        category: 'paid',
        priority: 7,
        expires_at: null,
      },
      {
        amount: { monetary: { value: 1 } },
        category: 'promotional',
        priority: 50,
        effective_at: seconds(from.getTime()),
        expires_at: Math.ceil(until.getTime() / 1000),
      },
      {
        amount: { monetary: { value: 1000 } },
        category: 'promotional',
        // The invoice of its period comes after it.
        expires_at: Math.ceil(((period?.until ?? 0) + 3 * day) / 1000),
      },
    ])
    expect(shop.errors).toEqual([])
  })

  test('what is granted later goes by itself', async () => {
    const shop = await openMirror()
    await shop.credits.grant(shop.customer, { usd: '25', idempotencyKey: 'pi_1' })
    await vi.waitFor(async () => expect(await shop.inUse()).toEqual([2500]))
  })

  test.each([0, 30])(
    'an answer that is lost is no second credit grant, %s hours later neither',
    async (hours) => {
      const shop = await openMirror()
      shop.mirror.close()
      await shop.credits.grant(shop.customer, { usd: '25', idempotencyKey: 'pi_1' })
      shop.fake.failWith(
        { connection: 'reset', processed: true },
        { to: '/credit_grants', times: 2 },
      )
      expect(await shop.mirror.sync()).toMatchObject({ created: 0, failed: 1 })
      expect(shop.errors[0]).toMatch(/is not at Stripe as it should be; it is tried again/)
      shop.fake.recover()
      shop.clock.offset += hours * 60 * 60_000
      expect(await shop.mirror.sync()).toMatchObject({ created: 1, failed: 0 })
      expect(await shop.inUse()).toEqual([2500])
    },
  )

  test('a process that is killed while it tells Stripe leaves no second credit grant', async () => {
    const path = temporaryFile()
    const outbox = sqliteOutbox(path)
    const shop = await openMirror({ outbox })
    onTestFinished(async () => void (await outbox.close()))
    shop.mirror.close()
    const { apiKey, host, port } = shop.fake
    for (const key of ['a', 'b', 'c']) {
      await shop.credits.grant(shop.customer, { usd: '10', idempotencyKey: key })
    }
    // The second one is made, and never answered.
    const made = () =>
      shop.fake.requests.filter(
        (request) => request.method === 'POST' && request.path.endsWith('/credit_grants'),
      ).length
    shop.fake.failWith(
      { connection: 'hang', processed: true },
      { to: '/credit_grants', matching: 'amount', skip: 1 },
    )
    const order = JSON.stringify({ path, apiKey, host, port })
    const child = spawnScript(join(import.meta.dirname, 'mirror-child.ts'), order)
    await vi.waitFor(() => expect(made()).toBe(2), { timeout: 20_000 })
    child.kill()
    expect(await child.ended).toBe('SIGKILL')
    shop.fake.recover()
    await shop.mirror.sync()
    await shop.mirror.sync()
    expect(await shop.inUse()).toEqual([1000, 1000, 1000])
    expect(await shop.atStripe()).toHaveLength(3)
  })

  test('what is revoked is ended at Stripe, and what is left of it made anew; undone, it is there again', async () => {
    const shop = await openMirror()
    const { credits, customer, mirror } = shop
    await credits.grant(customer, { usd: '25', idempotencyKey: 'pi_1' })
    await mirror.sync()
    await credits.revoke(customer, { source: 'pi_1', amount: '10', idempotencyKey: 're_1' })
    expect(await mirror.sync()).toEqual({ created: 1, ended: 1, failed: 0 })
    expect(await shop.inUse()).toEqual([1500])
    expect(await mirror.sync()).toEqual({ created: 0, ended: 0, failed: 0 })
    await credits.revoke(customer, { source: 'pi_1', idempotencyKey: 're_2' })
    await mirror.sync()
    expect(await shop.inUse()).toEqual([])
    await credits.unrevoke(customer, { source: 'pi_1', idempotencyKey: 're_2' })
    await mirror.sync()
    expect(await shop.inUse()).toEqual([1500])
    const [first] = await shop.atStripe()
    expect(first?.voided_at).not.toBe(null)
  })

  test('what an invoice has drawn stays drawn, whatever is revoked', async () => {
    const shop = await openMirror()
    const { credits, customer, mirror, stripe } = shop
    await credits.grant(customer, { usd: '25', idempotencyKey: 'pi_1' })
    await mirror.sync()
    const { id: meterId } = await stripe.billing.meters.create({
      display_name: 'Usage',
      event_name: 'llm-cost',
      default_aggregation: { formula: 'sum' },
    })
    const price = await shop.price({
      unit_amount: 1,
      recurring: { interval: 'month', usage_type: 'metered', meter: meterId },
    })
    const { id } = await stripe.subscriptions.create({ customer, items: [{ price: price.id }] })
    await stripe.billing.meterEvents.create({
      event_name: 'llm-cost',
      payload: { stripe_customer_id: customer, value: '700' },
      timestamp: Math.floor(shop.clock.now() / 1000),
    })
    shop.clock.offset += 31 * day
    shop.billing.endPeriod(id)
    // 7 of 25 are drawn; 10 are revoked, so that 8 are left.
    await credits.revoke(customer, { source: 'pi_1', amount: '10', idempotencyKey: 're_1' })
    expect(await mirror.sync()).toEqual({ created: 1, ended: 1, failed: 0 })
    expect(await shop.inUse()).toEqual([800])
    const [first] = await shop.atStripe()
    expect(first).toMatchObject({ voided_at: null, expires_at: expect.any(Number) })
  })

  test('credit that was given or ended at Stripe by hand is given and ended here', async () => {
    const shop = await openMirror()
    const { credits, customer, mirror, stripe, billing } = shop
    await credits.grant(customer, { usd: '25', idempotencyKey: 'pi_1' })
    await mirror.sync()
    await billing.deliver()
    expect(await shop.available(customer)).toBe('25')
    const amount = { type: 'monetary', monetary: { currency: 'usd', value: 500 } } as const
    const scope = { price_type: 'metered' } as const
    const grant: Stripe.Billing.CreditGrantCreateParams = {
      customer,
      amount,
      applicability_config: { scope },
      category: 'promotional',
    }
    const gift = await stripe.billing.creditGrants.create(grant)
    await billing.deliver()
    expect(await shop.available(customer)).toBe('30')
    const [first] = await shop.atStripe()
    await stripe.billing.creditGrants.voidGrant(first?.id ?? '')
    await billing.deliver()
    expect(await shop.available(customer)).toBe('5')
    await stripe.billing.creditGrants.expire(gift.id)
    shop.clock.offset += 1000
    await billing.deliver()
    await billing.deliver({ events: billing.events })
    expect(await shop.available(customer)).toBe('0')
    expect(await mirror.sync()).toEqual({ created: 0, ended: 0, failed: 0 })
    expect(await shop.atStripe()).toHaveLength(2)
  })

  test('credit of an erased customer that is changed at Stripe is changed where it is', async () => {
    const shop = await openMirror()
    const { credits, customer, stripe, billing } = shop
    const gift = await stripe.billing.creditGrants.create({
      customer,
      amount: { type: 'monetary', monetary: { currency: 'usd', value: 500 } },
      applicability_config: { scope: { price_type: 'metered' } },
      category: 'promotional',
    })
    await billing.deliver()
    expect(await shop.available(customer)).toBe('5')
    await credits.erase(customer)
    const heard: unknown[] = []
    credits.on('exhausted', (event) => void heard.push(event))
    await credits.account(customer, { collect: 'mirror' })
    await billing.deliver({ events: billing.events })
    expect(await shop.available(customer)).toBe('0')
    await stripe.billing.creditGrants.voidGrant(gift.id)
    await billing.deliver()
    const erased = expect.stringMatching(/^erased:/)
    expect(heard).toEqual([{ customer: erased, unit: 'usd', available: '0' }])
    expect(await credits.history(customer)).toEqual({ entries: [] })
  })

  test('parts of a cent are refused where Stripe is to have them too', async () => {
    const shop = await openMirror({ plans: [{ id: 'odd', usd: '0.001', period: 'day' }] })
    const { credits, customer } = shop
    await expect(credits.grant(customer, { usd: '0.005', idempotencyKey: 'a' })).rejects.toThrow(
      /mirrored to Stripe is in whole cents, got 0.005 usd: round it/,
    )
    await expect(credits.subscribe(customer, { plan: 'odd' })).rejects.toThrow(/whole cents/)
    await credits.grant('cus_prepaid', { usd: '0.005', idempotencyKey: 'a' })
    expect(await shop.available(customer)).toBe('0')
  })

  test('a sink that does not bill by cost is refused', async () => {
    const shop = await openMirror()
    const { apiKey, url: baseUrl } = shop.fake
    const tokens = stripeSink({ apiKey, baseUrl })
    const { credits, stripe } = shop
    expect(() => mirrorGrants({ credits, stripe, sink: tokens })).toThrow(
      /sink must be stripeSink\({ value: 'cost' }\)/,
    )
    expect(() => mirrorGrants({ credits, stripe, sink: shop.sink, prices: [] })).toThrow(/prices/)
  })
})
