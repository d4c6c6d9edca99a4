import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord } from '@token-meter/testkit'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { createCredits } from '../src/index.ts'
import { everyStore } from './stores.ts'

describe.each(Object.entries(everyStore()))('credits in %s', (_, open) => {
  function start(options: { now?: () => number } = {}) {
    const outbox = open()
    onTestFinished(async () => void (await outbox.close()))
    return { outbox, credits: createCredits({ outbox, ephemeral: true, ...options }) }
  }

  const costing = (id: string, billed: string, customer = 'cus_1') =>
    exampleRecord({
      id,
      customer,
      cost: { currency: 'USD', provider: billed, billed, source: 'prices' },
    })

  test('a grant is given once for its key', async () => {
    const { credits } = start()
    await credits.grant('cus_1', { usd: '25', idempotencyKey: 'in_1' })
    await credits.grant('cus_1', { usd: '25', idempotencyKey: 'in_1' })
    expect(await credits.balance('cus_1')).toMatchObject({
      available: '25',
      posted: '25',
      held: '0',
    })
    await expect(
      credits.grant('cus_1', { usd: '26', idempotencyKey: 'in_1' }),
    ).rejects.toMatchObject({ code: 'credits_conflict' })
  })

  test("a hold is settled by another customer's record too, which that one is charged", async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await credits.grant('cus_2', { usd: '1', idempotencyKey: 'b' })
    const hold = await credits.hold('cus_1', { usd: '0.4' })
    const record = { ...costing('r_of_another', '0.25'), customer: 'cus_2' }
    await outbox.append([record], { holdIds: [hold.id] })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '1', held: '0' })
    expect(await credits.balance('cus_2')).toMatchObject({ available: '0.75' })
  })

  test('a hold is settled with its record, in the append that keeps it', async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    const hold = await credits.hold('cus_1', { usd: '0.4' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.6', held: '0.4' })
    await outbox.append([costing('r1', '0.0123456789')], { holdIds: [hold.id] })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.9876543211', held: '0' })
  })

  test('what expires before usage is charged pays for none of it, but for what a hold has of it', async () => {
    const clock = { at: Date.now() }
    const { outbox, credits } = start({ now: () => clock.at })
    const ends = { expiresAt: clock.at + 1000 }
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a', ...ends })
    const hold = await credits.hold('cus_1', { usd: '0.4' })
    const [held, late] = [costing('held', '0.25'), costing('late', '0.25')]
    clock.at += 2000
    // Both calls were made while it counted.
    await outbox.append([{ ...held, at: clock.at - 1500 }], { holdIds: [hold.id] })
    expect(await credits.balance('cus_1')).toMatchObject({ posted: '0', debt: '0' })
    await outbox.append([{ ...late, at: clock.at - 1500 }])
    expect(await credits.balance('cus_1')).toMatchObject({ posted: '-0.25', debt: '0.25' })
    await credits.grant('cus_1', { usd: '2', idempotencyKey: 'b' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '1.75', debt: '0' })
    expect(await credits.verify()).toEqual([])
  })

  test('what is appended without a hold is charged, once', async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([costing('r1', '0.25'), costing('r2', '2', 'cus_without_account')])
    await outbox.append([costing('r1', '0.25')])
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.75' })
    expect(await credits.balance('cus_without_account')).toMatchObject({
      available: '0',
      debt: '0',
    })
  })

  test('what is used beyond all credit is debt, which the next grant pays', async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([costing('r1', '1.5')])
    expect(await credits.balance('cus_1')).toMatchObject({ available: '-0.5', debt: '0.5' })
    await expect(credits.hold('cus_1', { usd: '0' })).rejects.toMatchObject({
      code: 'insufficient_credits',
      status: 402,
      available: '-0.5',
    })
    await credits.grant('cus_1', { usd: '2', idempotencyKey: 'b' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '1.5', debt: '0' })
  })

  test('a hold that nobody ends is over with its lease', async () => {
    let at = 1000
    const { credits } = start({ now: () => at })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await credits.hold('cus_1', { usd: '1', ttlMs: 10 })
    await expect(credits.hold('cus_1', { usd: '0.01' })).rejects.toThrow(/has 0 usd left/)
    at += 11
    expect(await credits.sweep()).toBe(1)
    expect(await credits.balance('cus_1')).toMatchObject({ available: '1', held: '0' })
  })

  test('listeners hear of grants, of what runs low, of nothing left and of debt', async () => {
    const { outbox, credits } = start()
    const heard: unknown[] = []
    for (const name of ['granted', 'low', 'exhausted', 'debt', 'expired'] as const) {
      credits.on(name, (event) => heard.push([name, event.available]))
    }
    await credits.grant('cus_1', { usd: '10', idempotencyKey: 'a' })
    await outbox.append([costing('r1', '8.5')])
    await outbox.append([costing('r2', '1.2')])
    await outbox.append([costing('r3', '0.5')])
    await vi.waitFor(() => expect(heard).toHaveLength(5))
    expect(heard).toEqual([
      ['granted', '10'],
      ['low', '1.5'],
      ['low', '0.3'],
      ['debt', '-0.2'],
      ['exhausted', '-0.2'],
    ])
  })

  test('what is only held makes nothing low', async () => {
    const { credits } = start()
    const heard: unknown[] = []
    for (const name of ['low', 'exhausted'] as const) {
      credits.on(name, ({ available }) => heard.push([name, available]))
    }
    await credits.grant('cus_1', { usd: '10', idempotencyKey: 'a' })
    for (const spent of ['0.5', '0.5', '8']) {
      const hold = await credits.hold('cus_1', { usd: '9' })
      await hold.settle(spent)
    }
    await vi.waitFor(() => expect(heard).toEqual([['low', '1']]))
  })

  test('a revocation takes what is unspent, then makes debt; a won dispute gives it back', async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '10', idempotencyKey: 'pi_1' })
    await outbox.append([costing('r1', '4')])
    const refund = { source: 'pi_1', idempotencyKey: 're_1' }
    expect(await credits.revoke('cus_1', refund)).toBe('10')
    expect(await credits.revoke('cus_1', refund)).toBe('0')
    expect(await credits.balance('cus_1')).toMatchObject({ available: '-4', debt: '4' })
    expect(await credits.unrevoke('cus_1', refund)).toBe(true)
    expect(await credits.unrevoke('cus_1', refund)).toBe(false)
    expect(await credits.balance('cus_1')).toMatchObject({ available: '6', debt: '0' })
    const { entries } = await credits.history('cus_1')
    expect(entries.at(-1)).toMatchObject({ kind: 'grant', amount: '10', actor: 'api' })
  })
})

test('two processes of one file write the same books', async () => {
  const path = temporaryFile()
  const one = sqliteOutbox(path)
  const other = sqliteOutbox(path)
  onTestFinished(() => {
    one.close()
    other.close()
  })
  await createCredits({ outbox: one }).grant('cus_1', { usd: '1', idempotencyKey: 'a' })
  const credits = createCredits({ outbox: other })
  await credits.hold('cus_1', { usd: '0.3' })
  expect(await createCredits({ outbox: one }).balance('cus_1')).toMatchObject({ available: '0.7' })
})
