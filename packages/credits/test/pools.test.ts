import { describe, expect, test, vi } from 'vitest'
import { memoryOutbox } from '@token-meter/core'
import { ConfigError } from '@token-meter/core/outbox'
import type { Admission } from '@token-meter/core'
import { createCredits, type PoolOptions } from '../src/index.ts'
import { costing, startGuard, type StartGuard } from './guarding.ts'
import { everyStore } from './stores.ts'

describe.each(Object.entries(everyStore()))('pools on %s', (_, open) => {
  const start: StartGuard = (options, own) => startGuard(open(), options, own)

  test('a call is held in its account and all of its pools, or nowhere', async () => {
    const { credits, admit, refused, held } = await start({}, { usd: '1' })
    credits.pool({ id: 'team', usd: '0.01', period: 'month' })
    credits.pool({ id: 'key', usd: '0.001', period: 'day' })
    await admit({ pools: ['team', 'key', 'team'] })
    const both = async () => [
      (await credits.poolBalance('team')).held,
      (await credits.poolBalance('key')).held,
      await held(),
    ]
    expect(await both()).toEqual(['0.0006', '0.0006', '0.0006'])
    expect(await refused({ pools: ['key', 'team'] })).toMatchObject({
      pool: 'key',
      available: '0.0004',
      required: '0.0006',
      affordableOutputTokens: 30,
      message: expect.stringMatching(/the pool "key" has 0.0004 usd left .* at most 30 tokens/),
    })
    expect(await both()).toEqual(['0.0006', '0.0006', '0.0006'])
  })

  test('what a hold came to is spent, also of a late record, and what is taken back is not', async () => {
    let at = Date.parse('2026-11-29T12:00:00Z')
    const { outbox, credits, admit } = await start({ leaseMs: 1000 }, { usd: '1', now: () => at })
    credits.pool({ id: 'team', usd: '0.01', period: 'month' })
    const pools = ['team']
    const spent = async () => {
      const { spent, held } = await credits.poolBalance('team')
      return [spent, held]
    }
    const settled = (await admit({ pools })) as Admission
    await outbox.append([costing('r1', '0.0002')], { holdIds: settled.holdIds })
    expect(await spent()).toEqual(['0.0002', '0'])
    const released = (await admit({ pools })) as Admission
    released.release()
    await vi.waitFor(async () => expect(await spent()).toEqual(['0.0002', '0']))
    const late = (await admit({ pools })) as Admission
    late.lost()
    at += 1001
    await credits.sweep()
    expect(await spent()).toEqual(['0.0003', '0'])
    await outbox.append([costing('r2', '0.0005')], { holdIds: late.holdIds })
    expect(await spent()).toEqual(['0.0007', '0'])
    // Without a hold it is under no pool.
    await outbox.append([costing('r3', '0.0005')])
    expect(await spent()).toEqual(['0.0007', '0'])
  })

  test('a period begins anew, with what the last one has left where that is carried over', async () => {
    let at = Date.parse('2026-11-30T22:30:00Z')
    const { credits, admit, refused } = await start({}, { usd: '1', now: () => at })
    const monthly = { usd: '0.0007', period: 'month' } as const
    credits.pool({ id: 'utc', ...monthly })
    credits.pool({ id: 'berlin', ...monthly, timeZone: 'Europe/Berlin' })
    credits.pool({ id: 'saving', ...monthly, rollover: true })
    const all = ['utc', 'berlin', 'saving']
    await admit({ pools: all })
    for (const pool of all) expect(await refused({ pools: [pool] })).toMatchObject({ pool })
    at += 3_600_000
    await admit({ pools: ['berlin'] })
    expect(await refused({ pools: ['utc'] })).toMatchObject({ pool: 'utc' })
    at += 3_600_000
    await admit({ pools: ['utc'] })
    expect(await credits.poolBalance('saving')).toMatchObject({
      period: '2026-12',
      limit: '0.0007',
      carried: '0.0001',
      available: '0.0008',
    })
    await admit({ pools: ['saving'], bounds: { maxOutput: 70 } })
    expect(await credits.poolBalance('saving')).toMatchObject({ available: '0', held: '0.0008' })
  })

  test('the limit of the application counts, from the next hold on', async () => {
    const { credits, admit, refused } = await start({}, { usd: '1' })
    credits.pool({ id: 'team', usd: '0.0006', period: 'month' })
    await admit({ pools: ['team'] })
    await refused({ pools: ['team'] })
    credits.pool({ id: 'team', usd: '0.0012', period: 'month' })
    await admit({ pools: ['team'] })
    credits.pool({ id: 'team', usd: '0', period: 'month' })
    expect(await refused({ pools: ['team'] })).toMatchObject({ available: '-0.0012' })
    expect(await credits.poolBalance('team')).toMatchObject({ limit: '0', held: '0.0012' })
  })

  test('a pool that only warns tells each share once, and stops nothing', async () => {
    const { outbox, credits, admit } = await start({}, { usd: '1' })
    credits.pool({ id: 'team', usd: '0.001', period: 'month', hard: false, soft: [50, 100] })
    const told: unknown[] = []
    credits.on('pool', ({ percent, spent, available }) => told.push([percent, spent, available]))
    for (const id of ['r1', 'r2', 'r3', 'r4']) {
      const { holdIds } = (await admit({ pools: ['team'] })) as Admission
      await outbox.append([costing(id, '0.0004')], { holdIds })
    }
    await vi.waitFor(() =>
      expect(told).toEqual([
        [50, '0.0008', '0.0002'],
        [100, '0.0012', '-0.0002'],
      ]),
    )
  })

  test('a pool of tokens counts those of accounts of tokens', async () => {
    const { outbox, credits, admit, refused } = await start({}, { usd: '1', tokens: '1000' })
    credits.pool({ id: 'team', tokens: '200', period: 'hour' })
    const { holdIds } = (await admit({ pools: ['team'] })) as Admission
    expect(await refused({ pools: ['team'] })).toMatchObject({ pool: 'team', unit: 'tokens' })
    const tokens = { input: 10, cachedInput: 0, cachedWrite: 0, output: 5 }
    await outbox.append([{ ...costing('r1', '0.0001'), tokens }], { holdIds })
    expect(await credits.poolBalance('team')).toMatchObject({ spent: '15', held: '0' })
    const dollars = await start({}, { usd: '1' })
    dollars.credits.pool({ id: 'team', tokens: '200', period: 'hour' })
    expect(await dollars.refused({ pools: ['team'] })).toMatchObject({ reason: 'pool_unit' })
    expect(await dollars.refused({ pools: ['other'] })).toMatchObject({ reason: 'unknown_pool' })
  })

  test('a hold by hand can be under pools', async () => {
    const { credits } = await start({}, { usd: '1' })
    credits.pool({ id: 'team', usd: '0.5', period: 'week' })
    credits.pool({ id: 'words', tokens: '5', period: 'week' })
    const hold = await credits.hold('cus_1', { usd: '0.4', pools: ['team'] })
    await expect(credits.hold('cus_1', { usd: '0.2', pools: ['team'] })).rejects.toMatchObject({
      pool: 'team',
      available: '0.1',
    })
    await hold.settle('0.3')
    expect(await credits.poolBalance('team')).toMatchObject({ spent: '0.3', held: '0' })
    const wrong = (pool: string) => credits.hold('cus_1', { usd: '0.1', pools: [pool] })
    await expect(wrong('words')).rejects.toMatchObject({ reason: 'pool_unit' })
    await expect(wrong('other')).rejects.toMatchObject({ reason: 'unknown_pool' })
  })

  test('many calls of several pools at a time get in nobody’s way', async () => {
    const { outbox, credits, admit } = await start({ holdTimeoutMs: 60_000 }, { usd: '10' })
    const ids = ['a', 'b', 'c', 'd']
    for (const id of ids) credits.pool({ id, usd: '0.03', period: 'month' })
    for (const customer of ['cus_2', 'cus_3']) {
      await credits.grant(customer, { usd: '10', idempotencyKey: 'pack' })
    }
    const outcomes = await Promise.allSettled(
      Array.from({ length: 120 }, async (_, index) => {
        const customer = `cus_${(index % 3) + 1}`
        const pools = [ids[index % 4] as string, ids[(index + 1 + (index % 3)) % 4] as string]
        const { holdIds } = (await admit({ customer, pools })) as Admission
        await outbox.append([{ ...costing(`r${index}`, '0.0006'), customer }], { holdIds })
      }),
    )
    const done = outcomes.filter(({ status }) => status === 'fulfilled').length
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 402 })
    }
    // Postgres gets them by a spool, in which they are safe.
    await vi.waitFor(async () => {
      const all = await Promise.all(ids.map((id) => credits.poolBalance(id)))
      const spent = all.reduce((sum, pool) => sum + Math.round(Number(pool.spent) * 1e4), 0)
      expect(spent).toBe(done * 2 * 6)
      for (const { held, available } of all) {
        expect(held).toBe('0')
        expect(Number(available)).toBeGreaterThanOrEqual(0)
      }
    }, 10_000)
  })
})

test.each<[object, RegExp]>([
  [{ usd: '1', period: 'month' }, /id must be a name/],
  [{ id: 'a', period: 'month' }, /name one limit/],
  [{ id: 'a', usd: '1', tokens: '1', period: 'month' }, /name one limit/],
  [{ id: 'a', usd: 1, period: 'month' }, /usd is no limit/],
  [{ id: 'a', usd: '-1', period: 'month' }, /from 0 up/],
  [{ id: 'a', usd: '1', period: 'year' }, /period must be/],
  [{ id: 'a', usd: '1', period: 'month', timeZone: 'Nowhere' }, /timeZone/],
  [{ id: 'a', usd: '1', period: 'month', soft: [0] }, /soft/],
  [{ id: 'a', usd: '1', period: 'month', hard: 'yes' }, /hard/],
  [{ id: 'a', usd: '1', period: 'month', limit: 3 }, /no option "limit"/],
])('refuses the pool %j', (options, message) => {
  const credits = createCredits({ outbox: memoryOutbox(), ephemeral: true })
  expect(() => credits.pool(options as PoolOptions)).toThrow(ConfigError)
  expect(() => credits.pool(options as PoolOptions)).toThrow(message)
})

test('a pool keeps its unit, and one that there is not has no balance', async () => {
  const credits = createCredits({ outbox: memoryOutbox(), ephemeral: true })
  credits.pool({ id: 'a', usd: '1', period: 'month' })
  expect(() => credits.pool({ id: 'a', tokens: '1', period: 'month' })).toThrow(/counts in usd/)
  await expect(credits.poolBalance('b')).rejects.toThrow(ConfigError)
})
