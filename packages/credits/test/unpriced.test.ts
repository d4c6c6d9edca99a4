import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Admission } from '@token-meter/core'
import type { CostCalculator } from '@token-meter/core/cost'
import { exampleRecord } from '@token-meter/testkit'
import { InsufficientCreditsError } from '../src/index.ts'
import { costing, startGuard } from './guarding.ts'
import { everyStore } from './stores.ts'

const half = { currency: 'USD', provider: '0.1', billed: '0.1', source: 'prices' } as const
const held = { ...half, billed: '0.5' } as const

describe.each(Object.entries(everyStore()))('records without a price on %s', (_, open) => {
  /** A guard that holds half a dollar, and records whose price is known later. */
  async function start(unknown: CostCalculator) {
    const told = vi.spyOn(console, 'warn').mockReturnValue()
    onTestFinished(() => told.mockRestore())
    let isKnown = false
    const cost: CostCalculator = (record) =>
      record.id === 'guard' ? held : isKnown ? half : unknown(record)
    const all = await startGuard(open(), {}, { usd: '1', cost })
    all.credits.pool({ id: 'team', usd: '10', period: 'month' })
    const call = async (...ids: readonly string[]) => {
      const admission = (await all.admit({ pools: ['team'] })) as Admission
      const records = ids.map((id) =>
        exampleRecord({ id, customer: 'cus_1', at: Date.now() + 1000 }),
      )
      await all.outbox.append(records, { holdIds: admission.holdIds })
      admission.settled()
    }
    const balance = () => all.credits.balance('cus_1')
    const flushed = async () => {
      isKnown = true
      await all.outbox.expedite('credits')
      return await all.credits.flush()
    }
    return { ...all, call, balance, flushed }
  }

  test('stand for what was held, so that nobody goes on spending, until there is a price', async () => {
    const { call, balance, credits, flushed, outbox } = await start(() => ({
      unpriced: 'new model',
    }))
    await call('r1')
    await call('r2', 'r3')
    expect(await balance()).toMatchObject({ available: '0', held: '0', debt: '0' })
    await expect(call('r4')).rejects.toBeInstanceOf(InsufficientCreditsError)
    expect(await credits.flush({ timeoutMs: 50 })).toBe(false)
    expect(await balance()).toMatchObject({ available: '0' })
    expect(await credits.poolBalance('team')).toMatchObject({ spent: '1', held: '0' })
    expect(await flushed()).toBe(true)
    expect(await balance()).toMatchObject({ available: '0.7', held: '0', debt: '0' })
    expect(await credits.poolBalance('team')).toMatchObject({ spent: '0.3', held: '0' })
    expect(await outbox.statesOf('credits', ['r1', 'r2', 'r3'])).toEqual(Array(3).fill('covered'))
    expect(await credits.reconcile()).toMatchObject({ isClean: true })
  })

  test('because their price fails, cost no other record its charge', async () => {
    const { call, balance, outbox, credits, flushed } = await start(() => {
      throw new Error('no list')
    })
    await credits.grant('cus_2', { usd: '1', idempotencyKey: 'other' })
    const at = Date.now() + 1000
    await outbox.append([
      exampleRecord({ id: 'bad', customer: 'cus_2', at }),
      { ...costing('good', '0.25'), customer: 'cus_2', at },
    ])
    expect(await credits.balance('cus_2')).toMatchObject({ available: '0.75' })
    await call('r1')
    expect(await balance()).toMatchObject({ available: '0.5', held: '0' })
    expect(await flushed()).toBe(true)
    expect(await balance()).toMatchObject({ available: '0.9', held: '0' })
    expect(await credits.balance('cus_2')).toMatchObject({ available: '0.65' })
  })

  test('as what is billed less than nothing is, which adds nothing to an account', async () => {
    const { outbox, balance, credits, admit } = await start(() => ({ unpriced: 'new model' }))
    const { holdIds } = (await admit()) as Admission
    await outbox.append([costing('less', '-5')], { holdIds })
    await outbox.append([costing('less2', '-5')])
    expect(await balance()).toMatchObject({ available: '0.5', posted: '0.5' })
    expect((await credits.reconcile()).problems).toEqual([])
  })
})
