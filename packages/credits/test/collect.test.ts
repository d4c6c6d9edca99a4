import { memoryOutbox } from '@token-meter/core'
import type { cost } from '@token-meter/core/cost'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { exampleRecord } from '@token-meter/testkit'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { DatabaseSync } from 'node:sqlite'
import { copyFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCredits } from '../src/index.ts'
import { backend, costing, deliver, openAgain, startCredits } from './collecting.ts'

const stores = openAgain()

describe.each(Object.entries(stores))('collecting in %s', (kind, store) => {
  const others = kind !== 'memory'

  const start = (options: Parameters<typeof startCredits>[1] = {}) => startCredits(store, options)

  test.runIf(others)(
    'what a process without books keeps is charged by one that has some',
    async () => {
      const { credits, available, another } = start()
      await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
      const other = another()
      await other.append([costing('r1', '0.25'), costing('r2', '0.25', { customer: 'cus_2' })])
      await vi.waitFor(async () => expect(await available()).toBe('0.75'), 5000)
      expect(await credits.flush()).toBe(true)
      // A second time it is only looked at, also by two at once.
      const again = createCredits({ outbox: another() })
      await Promise.all([credits.flush(), again.flush()])
      expect(await available()).toBe('0.75')
      expect(await other.statesOf('credits', ['r1', 'r2'])).toEqual(['covered', 'delivered'])
    },
  )

  test('a prepaid account is not billed by who delivers, with books or without', async () => {
    const { credits, available, another } = start()
    const { sent, sink } = backend()
    const metrics = backend({ name: 'metrics', bills: false })
    await credits.grant('cus_1', { usd: '0.3', idempotencyKey: 'a' })
    const outbox = another()
    const meter = deliver(outbox, [sink, metrics.sink])
    await outbox.append([
      costing('r1', '0.25'),
      costing('r2', '0.25'),
      costing('r3', '1', { customer: 'cus_2' }),
    ])
    const { sinks } = await meter.flush({ timeoutMs: 8000 })
    expect(sent).toEqual(['r3'])
    expect(metrics.sent.toSorted()).toEqual(['r1', 'r2', 'r3'])
    expect(sinks['backend']).toMatchObject({ recorded: 3, covered: 2, delivered: 1, pending: 0 })
    // Beyond the balance it is debt, which the next pack pays.
    expect(await available()).toBe('-0.2')
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'b' })
    expect(await available()).toBe('0.8')
    expect(await credits.reconcile()).toMatchObject({
      isClean: true,
      sums: [{ unit: 'usd', covered: '0.5', billed: '0', lease: '0', expected: '0.5' }],
    })
  })

  test.runIf(others)('where nobody keeps the books, what they have not seen waits', async () => {
    const { credits, another } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    credits.close()
    const { sent, sink } = backend()
    const outbox = another()
    const meter = deliver(outbox, [sink])
    await outbox.append([costing('r1', '0.25'), costing('r2', '1', { customer: 'cus_2' })])
    await expect(meter.flush({ timeoutMs: 2000 })).rejects.toThrow(/books of prepaid credit/)
    expect(sent).toEqual([])
    createCredits({ outbox: another() })
    await meter.flush({ timeoutMs: 8000 })
    expect(sent).toEqual(['r2'])
  })

  test('who is named later is charged, and who was charged before has it back', async () => {
    const { outbox, credits, available } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await credits.grant('house', { usd: '1', idempotencyKey: 'b' })
    const hold = await credits.hold('house', { usd: '0.5' })
    await outbox.append([costing('r1', '0.25', { customer: null })], { holdIds: [hold.id] })
    await outbox.append([costing('r2', '0.125', { customer: null })])
    expect(await available('house')).toBe('0.75')
    expect(await outbox.attribute(['r1', 'r2'], 'cus_1')).toBe(2)
    expect(await credits.flush()).toBe(true)
    expect([await available('house'), await available()]).toEqual(['1', '0.625'])
    expect((await credits.reconcile()).differences).toEqual([])
  })

  test('a bill that is cancelled gives the charge back, and one that is not after all takes it', async () => {
    const { outbox, credits, available } = start()
    const { sink } = backend()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    const meter = deliver(outbox, [sink])
    await outbox.append([costing('r1', '0.25'), costing('r2', '0.25')])
    await meter.flush({ timeoutMs: 8000 })
    const give = (state: 'discarded' | 'dead') =>
      meter.correct('backend', ['r1'], { state, reason: 'looked at' })
    for (const [state, left] of [
      ['discarded', '0.75'],
      ['dead', '0.5'],
      ['discarded', '0.75'],
    ] as const) {
      expect(await give(state)).toBe(1)
      expect(await credits.flush()).toBe(true)
      expect(await available()).toBe(left)
    }
    expect(await credits.reconcile()).toMatchObject({ problems: [], differences: [] })
  })

  test('a price that is known later is charged then', async () => {
    const prices = { input: '0', output: '0' }
    let isKnown = false
    const { outbox, credits, available } = start({
      cost: Object.assign(
        () =>
          isKnown
            ? ({ currency: 'USD', provider: '0.1', billed: '0.1', source: 'prices' } as const)
            : { unpriced: 'no such model' },
        prices,
      ) as unknown as ReturnType<typeof cost>,
    })
    const told = vi.spyOn(console, 'warn').mockReturnValue()
    onTestFinished(() => told.mockRestore())
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([exampleRecord({ id: 'r1', customer: 'cus_1', at: Date.now() + 1000 })])
    expect(await credits.flush({ timeoutMs: 50 })).toBe(false)
    expect(await available()).toBe('1')
    expect(told.mock.calls.join()).toMatch(/nobody knows a price of gpt-5.4/)
    isKnown = true
    expect(await credits.flush()).toBe(true)
    expect(await available()).toBe('0.9')
    expect(await outbox.statesOf('credits', ['r1'])).toEqual(['covered'])
  })

  test('test usage is charged in a sandbox, and beside a live sink once it is released', async () => {
    const { outbox, credits, available } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([costing('r1', '0.25', { livemode: false })])
    expect(await credits.flush()).toBe(true)
    expect(await available()).toBe('0.75')
    const { sink, sent } = backend()
    const meter = deliver(outbox, [sink])
    await outbox.attend('backend', 'live')
    await outbox.append([costing('r2', '0.25', { livemode: false })])
    const { sinks } = await meter.flush({ timeoutMs: 8000 })
    expect(sinks['backend']).toMatchObject({ held: 2 })
    expect(await credits.flush()).toBe(true)
    expect(await available()).toBe('0.75')
    expect(await outbox.release('backend', ['r2'])).toBe(1)
    await meter.flush({ timeoutMs: 8000 })
    expect(sent).toEqual([])
    expect(await available()).toBe('0.5')
    expect(await outbox.statesOf('backend', ['r1', 'r2'])).toEqual(['held', 'covered'])
  })

  test('what came before the account is no matter of credit', async () => {
    const { outbox, credits, available } = start()
    const { sent, sink } = backend()
    await outbox.append([costing('r1', '0.25')])
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([costing('r2', '0.25')])
    await deliver(outbox, [sink]).flush({ timeoutMs: 8000 })
    expect(sent).toEqual(['r1'])
    expect(await available()).toBe('0.75')
  })

  test('of an erased customer nothing is found, and every sum is what it was', async () => {
    const { outbox, credits } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await outbox.append([costing('r1', '0.25')])
    expect(await credits.erase('cus_1')).toEqual({ accounts: 1, hasRecords: true })
    expect(await credits.erase('cus_1')).toEqual({ accounts: 0, hasRecords: true })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0', grants: [] })
    expect(await credits.history('cus_1')).toEqual({ entries: [] })
    expect(await credits.reconcile()).toMatchObject({ problems: [], differences: [] })
    const { sent, sink } = backend()
    await deliver(outbox, [sink]).flush({ timeoutMs: 8000 })
    expect(sent).toEqual([])
    // What was paid for once is not given again; what is new is.
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0', grants: [] })
    await expect(credits.grant('cus_1', { usd: '3', idempotencyKey: 'a' })).rejects.toMatchObject({
      code: 'credits_conflict',
    })
    await credits.grant('cus_1', { usd: '3', idempotencyKey: 'b' })
    await credits.grant('cus_2', { usd: '3', idempotencyKey: 'b' })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '3' })
    expect(await credits.balance('cus_2')).toMatchObject({ available: '3' })
    await credits.grant('cus_1', { usd: '2', idempotencyKey: 'welcome', kind: 'promo' })
    await credits.erase('cus_1')
    await credits.grant('cus_3', { usd: '2', idempotencyKey: 'welcome', kind: 'promo' })
    expect(await credits.balance('cus_3')).toMatchObject({ available: '2' })
  })

  test('books of a copy hold nothing until somebody has looked', async () => {
    const { outbox, credits, available } = start()
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
    await credits.grant('cus_2', { usd: '1', idempotencyKey: 'b' })
    await credits.block('cus_2', 'payment_failed')
    expect((await credits.reconcile()).isRestored).toBe(false)
    await outbox.distrust()
    const next = createCredits({ outbox, ephemeral: true })
    expect((await next.reconcile()).isRestored).toBe(others)
    expect((await credits.reconcile()).isRestored).toBe(true)
    await expect(credits.hold('cus_1', { usd: '0.1' })).rejects.toMatchObject({
      code: 'insufficient_credits',
      blocked: 'restored',
      message: expect.stringMatching(/reconcile\(\{ accept: true \}\)/),
    })
    expect(await available()).toBe('1')
    await credits.block('cus_1', null)
    expect(await credits.balance('cus_1')).toMatchObject({ blocked: 'restored' })
    await credits.block('cus_2', null)
    expect(await credits.balance('cus_2')).toMatchObject({ blocked: 'restored' })
    await credits.block('cus_2', 'payment_failed')
    expect((await credits.reconcile({ accept: true })).isRestored).toBe(true)
    expect((await credits.reconcile()).isRestored).toBe(false)
    await credits.hold('cus_1', { usd: '0.1' })
    expect(await credits.balance('cus_2')).toMatchObject({ blocked: 'payment_failed' })
    await credits.block('cus_2', null)
    expect(await credits.balance('cus_2')).toMatchObject({ blocked: null })
  })
})

test('the books do not die with the process unless somebody says that they may', () => {
  expect(() => createCredits({ outbox: memoryOutbox() })).toThrow(/ephemeral: true/)
  expect(() => createCredits({ outbox: memoryOutbox(), ephemeral: 1 as never })).toThrow(
    /ephemeral/,
  )
})

test('a charge that fails with its record is made good, and a lost one shows', async () => {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path)
  onTestFinished(() => void outbox.close())
  const credits = createCredits({ outbox })
  await credits.grant('cus_1', { usd: '1', idempotencyKey: 'a' })
  const faults: string[] = []
  outbox.onFault?.(({ message }) => void faults.push(message))
  const raw = new DatabaseSync(path)
  onTestFinished(() => raw.close())
  raw.exec(`CREATE TRIGGER out_of_order BEFORE INSERT ON credit_entries
    BEGIN SELECT raise(ABORT, 'out of order'); END`)
  await outbox.append([costing('r1', '0.25')])
  expect(faults.join()).toMatch(/could not be written/)
  expect(await credits.balance('cus_1')).toMatchObject({ available: '1' })
  raw.exec('DROP TRIGGER out_of_order')
  expect(await credits.flush()).toBe(true)
  expect(await credits.balance('cus_1')).toMatchObject({ available: '0.75' })

  raw.exec(
    `INSERT INTO credit_pools (pool, period, "limit", carried, spent, held) VALUES ('team', 'all', 1, 0, 5, 0)`,
  )
  expect((await credits.reconcile()).problems.join()).toMatch(/pool team all: spent is 5/)
  raw.exec('DELETE FROM credit_pools')
  raw.exec(`DROP TRIGGER credit_entries_remain; DELETE FROM credit_entries WHERE record = 'r1'`)
  const { differences, problems, isClean } = await credits.reconcile()
  expect(isClean).toBe(false)
  expect(differences).toEqual([
    {
      kind: 'uncharged',
      record: 'r1',
      customer: 'cus_1',
      unit: 'usd',
      charged: '0',
      expected: '0.25',
    },
  ])
  expect(problems.length).toBeGreaterThan(0)
})

test('the books of a file that was copied are those of a copy', async () => {
  const path = temporaryFile()
  const original = sqliteOutbox(path)
  await createCredits({ outbox: original }).grant('cus_1', { usd: '1', idempotencyKey: 'a' })
  await original.append([costing('r1', '0.25')])
  await original.close()
  const copy = temporaryFile()
  copyFileSync(path, copy)
  let nowMs = Date.now() + 20 * 60_000
  const outbox = sqliteOutbox(copy, { now: () => nowMs })
  onTestFinished(() => void outbox.close())
  const credits = createCredits({ outbox })
  await expect(credits.hold('cus_1', { usd: '0.1' })).rejects.toMatchObject({ blocked: 'restored' })
  await credits.reconcile({ accept: true })
  await credits.hold('cus_1', { usd: '0.1' })
  nowMs++
})
