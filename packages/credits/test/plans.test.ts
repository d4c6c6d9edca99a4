import { memoryOutbox } from '@token-meter/core'
import { exampleRecord } from '@token-meter/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCredits, type Plan } from '../src/index.ts'
import { insideOf } from '../src/inside.ts'
import { everyStore } from './stores.ts'

const stores = everyStore()

const plans: readonly Plan[] = [
  { id: 'free', usd: '1', period: 'month', default: true },
  { id: 'trial', usd: '5', period: 'day', every: 14, times: 1 },
  { id: 'basic', usd: '10', period: 'month' },
  { id: 'pro', usd: '50', period: 'month' },
  { id: 'yearly', usd: '600', period: 'year' },
]
const day = 86_400_000

describe.each(Object.entries(stores))('plans in %s', (_, open) => {
  function start(given = plans) {
    const clock = { at: Date.parse('2027-01-31T10:00:00Z') }
    const outbox = open()
    onTestFinished(async () => void (await outbox.close()))
    const credits = createCredits({ outbox, ephemeral: true, plans: given, now: () => clock.at })
    const use = (id: string, billed: string) =>
      outbox.append([
        exampleRecord({
          id,
          customer: 'cus_1',
          cost: { currency: 'USD', provider: billed, billed, source: 'prices' },
        }),
      ])
    const available = async () => (await credits.balance('cus_1')).available
    return { clock, credits, use, available }
  }

  const withoutDefault = plans.slice(1)

  test('a free tier is there with the first hold, once a period, and what is left is over', async () => {
    const { clock, credits, use, available } = start()
    const hold = await credits.hold('cus_1', { usd: '0.4' })
    await hold.release()
    expect(await available()).toBe('1')
    await use('r1', '0.25')
    expect(await available()).toBe('0.75')
    clock.at = Date.parse('2027-02-28T09:59:59Z')
    expect(await available()).toBe('0.75')
    clock.at = Date.parse('2027-02-28T10:00:00Z')
    expect(await available()).toBe('1')
    // Periods in which nobody asked are not saved up.
    clock.at = Date.parse('2027-08-01T00:00:00Z')
    expect(await available()).toBe('1')
    expect(await credits.plansOf('cus_1')).toMatchObject([
      {
        id: 'default',
        plan: 'free',
        period: { from: Date.parse('2027-07-31T10:00Z'), until: Date.parse('2027-08-31T10:00Z') },
      },
    ])
    expect((await credits.balance('cus_1', { unit: 'tokens' })).available).toBe('0')
    expect((await credits.history('cus_1', { unit: 'tokens' })).entries).toEqual([])
  })

  test('a trial is given once, however often it is begun', async () => {
    const { clock, credits, available } = start(withoutDefault)
    await credits.subscribe('cus_1', { plan: 'trial' })
    await credits.subscribe('cus_1', { plan: 'trial' })
    expect(await available()).toBe('5')
    clock.at += 14 * day
    expect(await available()).toBe('0')
    expect(await credits.plansOf('cus_1')).toEqual([])
    await credits.subscribe('cus_1', { plan: 'trial' })
    expect(await available()).toBe('0')
  })

  test('an upgrade gives the difference at once, and a downgrade waits for the end of the period', async () => {
    const { clock, credits, use, available } = start(withoutDefault)
    await credits.subscribe('cus_1', { plan: 'basic' })
    await use('r1', '4')
    await credits.subscribe('cus_1', { plan: 'pro' })
    expect(await available()).toBe('46')
    expect(await credits.subscribe('cus_1', { plan: 'basic' })).toMatchObject({
      plan: 'pro',
      next: 'basic',
    })
    expect(await available()).toBe('46')
    // Up again in the same period: it was given.
    expect(await credits.subscribe('cus_1', { plan: 'pro' })).toMatchObject({ next: null })
    expect(await available()).toBe('46')
    await credits.subscribe('cus_1', { plan: 'basic' })
    clock.at = Date.parse('2027-02-28T10:00:00Z')
    expect(await available()).toBe('10')
    expect(await credits.plansOf('cus_1')).toMatchObject([{ plan: 'basic', next: null }])
  })

  test('of more than one a period includes as many times the amount: more at once, fewer when it is over', async () => {
    const { clock, credits, use, available } = start(withoutDefault)
    expect(await credits.subscribe('cus_1', { plan: 'basic', quantity: 3 })).toMatchObject({
      quantity: 3,
      next: null,
      nextQuantity: null,
    })
    await use('r1', '4')
    expect(await available()).toBe('26')
    await credits.subscribe('cus_1', { plan: 'basic', quantity: 5 })
    expect(await available()).toBe('46')
    // The same again, without saying how many.
    expect(await credits.subscribe('cus_1', { plan: 'basic' })).toMatchObject({ quantity: 5 })
    const fewer = { plan: 'basic', quantity: 5, next: 'basic', nextQuantity: 2 }
    expect(await credits.subscribe('cus_1', { plan: 'basic', quantity: 2 })).toMatchObject(fewer)
    expect(await available()).toBe('46')
    // 5 of 10 and 1 of 50 are as much; 2 of 50 are more, of which 50 were given.
    expect(await credits.subscribe('cus_1', { plan: 'pro', quantity: 1 })).toMatchObject({
      plan: 'pro',
      quantity: 1,
      next: null,
    })
    expect(await available()).toBe('46')
    await credits.subscribe('cus_1', { plan: 'pro', quantity: 2 })
    expect(await available()).toBe('96')
    await credits.subscribe('cus_1', { plan: 'basic', quantity: 2 })
    clock.at = Date.parse('2027-02-28T10:00:00Z')
    expect(await available()).toBe('20')
    expect(await credits.plansOf('cus_1')).toMatchObject([
      { plan: 'basic', quantity: 2, next: null, nextQuantity: null },
    ])
    // A fall and a rise within one period give nothing twice.
    for (const quantity of [1, 2, 3, 1, 3]) {
      await credits.subscribe('cus_1', { plan: 'basic', quantity })
    }
    expect(await available()).toBe('30')
    await expect(
      credits.subscribe('cus_1', { plan: 'basic', quantity: 1_000_000_000 }),
    ).rejects.toThrow(/1000000000 of the plan "basic" are more than an account can hold/)
    expect(await available()).toBe('30')
    expect(await credits.verify()).toEqual([])
  })

  test('the keys of what one of a plan includes have no word of how many it is', async () => {
    const { credits } = start(withoutDefault)
    await credits.subscribe('cus_1', { plan: 'basic' })
    const key = 'plan:main:basic:2027-01-31T10:00:00.000Z:10'
    const { books } = insideOf('this test', credits)
    const given = await books.read((rows) => {
      const account = rows.account({ customer: 'cus_1', unit: 'usd', stripeAccount: '' })
      return rows.grantByKey(account?.id ?? 0, key)?.amount
    })
    expect(given).toBe(10n ** 13n)
  })

  test('a plan of another rhythm begins anew, without what the old one left', async () => {
    const { clock, credits, use, available } = start(withoutDefault)
    await credits.subscribe('cus_1', { plan: 'pro' })
    await use('r1', '20')
    clock.at += day
    await credits.subscribe('cus_1', { plan: 'yearly', anchor: clock.at })
    expect(await available()).toBe('600')
    expect((await credits.balance('cus_1')).debt).toBe('0')
  })

  test('one that is ended at the end of its period lasts until then; ended now, what is left is over', async () => {
    const { clock, credits, use, available } = start(withoutDefault)
    await credits.subscribe('cus_1', { plan: 'pro' })
    await use('r1', '20')
    await credits.grant('cus_1', { usd: '7', idempotencyKey: 'pi_1' })
    await credits.unsubscribe('cus_1')
    expect(await available()).toBe('37')
    clock.at = Date.parse('2027-02-28T10:00:00Z')
    expect(await available()).toBe('7')
    await credits.subscribe('cus_1', { plan: 'basic', anchor: clock.at })
    expect(await available()).toBe('17')
    expect(await credits.unsubscribe('cus_1', { at: 'now' })).toBe(true)
    expect(await credits.unsubscribe('cus_1', { at: 'now' })).toBe(false)
    expect(await available()).toBe('7')
  })

  test('the default plan rests while there is another, and is given once a period all the same', async () => {
    const { clock, credits, available } = start()
    expect(await available()).toBe('1')
    await credits.subscribe('cus_1', { plan: 'pro' })
    expect(await available()).toBe('50')
    await credits.unsubscribe('cus_1', { at: 'now' })
    expect(await available()).toBe('0')
    clock.at = Date.parse('2027-02-28T10:00:00Z')
    expect(await available()).toBe('1')
  })
})

test.each([
  [{ id: 'a', usd: '1', period: 'fortnight' }, /the plan "a" needs a period/],
  [{ id: 'a', usd: '0', period: 'day' }, /gives nothing/],
  [{ id: 'a', usd: 1, period: 'day' }, /has no amount: .*got the number 1/],
  [{ id: 'a', usd: '1', period: 'day', every: 0.5 }, /whole number above 0/],
  [{ id: 'a', usd: '1', period: 'day', timeZone: 'Mars/Olympus' }, /time zone that there is not/],
])('a plan such as %j is refused', (plan, message) => {
  const outbox = memoryOutbox()
  expect(() => createCredits({ outbox, ephemeral: true, plans: [plan as never] })).toThrow(message)
})

test('a plan that there is not is named, beside those that there are', async () => {
  const credits = createCredits({ outbox: memoryOutbox(), plans, ephemeral: true })
  await expect(credits.subscribe('cus_1', { plan: 'gold' })).rejects.toThrow(
    /no plan "gold": createCredits\({ plans }\) has free, trial, basic, pro, yearly/,
  )
})
