import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Admission, createMeter, memoryOutbox } from '@token-meter/core'
import { ConfigError, type Outbox } from '@token-meter/core/outbox'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { temporaryFile } from '@token-meter/testkit/internal/suites'
import { createCredits, type GuardOptions, type InsufficientCreditsError } from '../src/index.ts'
import { calling, costing, startGuard, type StartGuard } from './guarding.ts'
import { everyStore } from './stores.ts'

describe.each(Object.entries(everyStore()))('a guard on %s', (kind, open) => {
  const start: StartGuard = (options, own) => startGuard(open(), options, own)

  test('the most that a call can come to is held, and its record settles it', async () => {
    const { outbox, credits, admit, held } = await start({}, { usd: '1' })
    const admission = (await admit()) as Admission
    expect(await held()).toBe('0.0006')
    await outbox.append([costing('r1', '0.0002')], { holdIds: admission.holdIds })
    admission.settled()
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0', available: '0.9998' })
  })

  test('what is not sent is given back; what is lost is charged for its input when its lease is over', async () => {
    let at = 1000
    const { credits, admit, held } = await start({ leaseMs: 1000 }, { usd: '1', now: () => at })
    const sent = (await admit()) as Admission
    const lost = (await admit()) as Admission
    expect(await held()).toBe('0.0012')
    sent.release()
    sent.release()
    await vi.waitFor(async () => expect(await held()).toBe('0.0006'))
    lost.lost()
    lost.release()
    at += 1001
    expect(await credits.sweep()).toBe(1)
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0', available: '0.9999' })
    expect((await credits.history('cus_1')).entries[0]).toMatchObject({ kind: 'lease' })
  })

  test('a record that comes after its lease is charged in its place', async () => {
    let at = 1000
    const { outbox, credits, admit } = await start({ leaseMs: 1000 }, { usd: '1', now: () => at })
    const { holdIds } = (await admit()) as Admission
    at += 1001
    await credits.sweep()
    await outbox.append([costing('late', '0.0004')], { holdIds })
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0', available: '0.9996' })
  })

  test('who has no account, and calls of nobody', async () => {
    const { refused } = await start()
    expect(await refused()).toMatchObject({
      code: 'insufficient_credits',
      available: '0',
      required: '0.0006',
      affordableOutputTokens: 0,
      message: 'cus_1 has no account, and this needs 0.0006 usd: grant it credit first',
    })
    expect(await refused({ customer: null })).toMatchObject({ reason: 'unattributed' })
    const lenient = await start({ unknownCustomer: 'allow' })
    expect(await lenient.admit()).toBeUndefined()
    expect(await lenient.admit({ customer: null })).toBeUndefined()
    lenient.credits.pool({ id: 'team', usd: '1', period: 'day' })
    expect(await lenient.refused({ pools: ['team'] })).toMatchObject({ status: 402 })
    expect(await lenient.refused({ pools: ['team'], customer: null })).toMatchObject({
      reason: 'unattributed',
    })
  })

  test('whom a backend bills goes beyond their credit, but not beyond a pool, nor when blocked', async () => {
    const { outbox, credits, admit, refused, held } = await start({}, { usd: '0.01' })
    await credits.account('cus_1', { collect: 'mirror' })
    credits.pool({ id: 'team', usd: '0.0201', period: 'day' })
    const pools = ['team']
    const first = (await admit({ pools })) as Admission
    await outbox.append([costing('r1', '0.0096')], { holdIds: first.holdIds })
    first.settled()
    const second = (await admit({ pools })) as Admission
    expect(await held()).toBe('0.0004')
    expect(await credits.check('cus_1', { usd: '5' })).toMatchObject({ allowed: true })
    const third = (await admit({ pools })) as Admission
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0.0004', available: '0' })
    await outbox.append([costing('r2', '0.001')], { holdIds: second.holdIds })
    second.settled()
    expect(await credits.balance('cus_1')).toMatchObject({ held: '0', debt: '0.0006' })
    await outbox.append([costing('r3', '0.009')], { holdIds: third.holdIds })
    third.settled()
    // 0.0196 of the pool's 0.0201 are used, and a call may need 0.0006.
    expect(await refused({ pools })).toMatchObject({ pool: 'team', available: '0.0005' })
    expect((await admit()) as Admission).toBeDefined()
    // What is held for it was within no credit: as a prepaid account it has nothing set aside.
    await credits.account('cus_1', { collect: 'prepaid' })
    expect(await refused()).toMatchObject({ status: 402, available: '-0.0096' })
    expect((await credits.reconcile()).problems).toEqual([])
    await credits.account('cus_1', { collect: 'mirror' })
    await credits.block('cus_1', 'dispute')
    expect(await refused()).toMatchObject({ status: 402, blocked: 'dispute' })
  })

  test('who listens hears of a refusal once, until there is other credit', async () => {
    const { outbox, credits, admit, refused } = await start({}, { usd: '0.001' })
    const heard: unknown[] = []
    credits.on('exhausted', (event) => heard.push(event))
    credits.on('pool', (event) => heard.push(event))
    const admission = (await admit()) as Admission
    await outbox.append([costing('r1', '0.0006')], { holdIds: admission.holdIds })
    await refused()
    await refused()
    await credits.hold('cus_1', { usd: '0.5' }).catch(() => {})
    const first = { customer: 'cus_1', unit: 'usd', available: '0.0004', required: '0.0006' }
    expect(heard).toEqual([first])
    // Less is left than was told, and it is other credit.
    await credits.grant('cus_1', { usd: '0.0006', idempotencyKey: 'more' })
    await outbox.append([costing('r2', '0.0008')])
    await credits.flush()
    await credits.hold('cus_1', { usd: '0.5' }).catch(() => {})
    await refused()
    expect(heard.slice(1)).toEqual([
      { customer: 'cus_1', unit: 'usd', available: '0.0002', required: '0.5' },
    ])
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'pack' })
    credits.pool({ id: 'team', usd: '0.0004', period: 'day', soft: [] })
    await refused({ pools: ['team'] })
    await refused({ pools: ['team'] })
    await credits.block('cus_1', 'payment_failed')
    await refused()
    expect(heard.slice(2)).toMatchObject([
      { pool: 'team', percent: 0, limit: '0.0004', available: '0.0004', required: '0.0006' },
    ])
  })

  test('a blocked account, an account in debt', async () => {
    const { outbox, credits, refused } = await start({}, { usd: '1' })
    await credits.block('cus_1', 'payment_failed')
    const error = (await refused()) as InsufficientCreditsError
    expect(error).toMatchObject({ blocked: 'payment_failed', status: 402 })
    expect(error.message).toMatch(/blocked \(payment_failed\)/)
    await credits.block('cus_1', null)
    await outbox.append([costing('r1', '1.5')])
    expect(await refused({ bounds: { noOutput: true }, likelyInput: () => 0 })).toMatchObject({
      available: '-0.5',
    })
  })

  test('holds of calls that live are renewed, all in one write', async () => {
    const { credits, admit, held } = await start({ leaseMs: 300 }, { usd: '1' })
    const all = (await Promise.all([1, 2, 3].map(() => admit()))) as Admission[]
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(await credits.sweep()).toBe(0)
    expect(await held()).toBe('0.0018')
    for (const one of all) one.lost()
    await vi.waitFor(async () => {
      await credits.sweep()
      expect(await held()).toBe('0')
    }, 5000)
  })

  test('the hold of a job stands for long, and any process settles it by its name', async () => {
    let at = 1000
    const { outbox, credits, guard, admit, held } = await start({}, { usd: '1', now: () => at })
    const admission = (await admit()) as Admission
    admission.keep({ name: 'batch_1', forMs: 24 * 3_600_000 })
    // It is written in the background.
    await new Promise((resolve) => setTimeout(resolve, 500))
    at += 23 * 3_600_000
    expect(await credits.sweep()).toBe(0)
    expect(await held()).toBe('0.0006')
    await outbox.append([costing('r1', '0.0002')], { holdIds: ['job:batch_1'] })
    await outbox.append([costing('r2', '0.0001')], { holdIds: ['job:batch_1'] })
    // Postgres may have them by its spool.
    await vi.waitFor(async () => {
      const balance = await credits.balance('cus_1')
      expect(balance).toMatchObject({ held: '0', available: '0.9997' })
    }, 10_000)
    const other = (await admit()) as Admission
    other.keep({ name: 'batch_2', forMs: 1000 })
    guard.ended?.({ name: 'batch_2' })
    await vi.waitFor(async () => expect(await held()).toBe('0'), 10_000)
    const own = (await admit()) as Admission
    own.keep({ name: 'batch_3', forMs: 1000 })
    own.release()
    await vi.waitFor(async () => expect(await held()).toBe('0'), 10_000)
  })

  test('a stream that goes on holds more in steps, and is ended when there is no more', async () => {
    const { outbox, credits, admit, held } = await start(
      { onExhausted: 'extend', defaultMaxOutput: 400 },
      { usd: '0.006' },
    )
    expect(((await admit()) as Admission).progress).toBeUndefined()
    const admission = (await admit({ bounds: { maxOutput: undefined } })) as Required<Admission>
    expect(await held()).toBe('0.0047')
    expect(admission.progress(10)).toBeUndefined()
    expect(admission.progress(349)).toBeUndefined()
    await admission.progress(395)
    expect(await held()).toBe('0.0057')
    await expect(async () => admission.progress(495)).rejects.toMatchObject({
      code: 'insufficient_credits',
      available: '0.0003',
      required: '0.001',
    })
    await credits.grant('cus_1', { usd: '1', idempotencyKey: 'more' })
    await admission.progress(495)
    expect(await held()).toBe('0.0067')
    await outbox.append([costing('r1', '0.0061')], { holdIds: admission.holdIds })
    expect(await credits.balance('cus_1')).toMatchObject({ available: '0.9993', held: '0.0006' })
  })

  if (kind !== 'memory') {
    test('a store that is gone refuses, or lets go and tells', async () => {
      const { outbox, refused } = await start({}, { usd: '1' })
      await outbox.close()
      const error = await refused()
      expect(error).toMatchObject({ code: 'credits_unavailable', status: 503 })
      expect((error as Error).cause).toBeInstanceOf(Error)
      const lenient = await start({ onStoreError: 'allow' }, { usd: '1' })
      const told = vi.fn()
      lenient.credits.on('error', told)
      const held = (await lenient.admit()) as Admission
      await lenient.outbox.close()
      expect(await lenient.admit()).toBeUndefined()
      held.release()
      held.settled()
      await vi.waitFor(() => expect(told).toHaveBeenCalledTimes(2))
      expect(told.mock.calls.map(([one]) => (one as Error).message)).toEqual([
        expect.stringMatching(/was let go with nothing held/),
        expect.stringMatching(/could not be given back/),
      ])
    })
  }
})

test('a file that another process writes to is waited for, and is no fault of the store', async () => {
  const path = temporaryFile()
  const outbox = sqliteOutbox(path, { busyTimeoutMs: 1 })
  const { credits, admit, refused, held } = await startGuard(
    outbox,
    { holdTimeoutMs: 5000 },
    { usd: '1' },
  )
  const impatient = credits.guard({ holdTimeoutMs: 20 })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const waiting = admit()
  expect(await Promise.race([waiting, turn('still')])).toBe('still')
  await expect(async () => impatient.admit(calling())).rejects.toMatchObject({
    code: 'credits_unavailable',
    cause: { busy: true },
  })
  other.exec('COMMIT')
  expect(await waiting).toMatchObject({ holdIds: [expect.any(String)] })
  expect(await held()).toBe('0.0006')
  other.exec('BEGIN IMMEDIATE')
  const short = refused({ likelyInput: () => 10 ** 9 })
  other.exec('COMMIT')
  other.close()
  expect(await short).toMatchObject({ code: 'insufficient_credits' })
})

test('the JSON of a refusal is for end users: it names nobody, and tells nobody what to grant', async () => {
  const { outbox, credits, refused } = await startGuard(memoryOutbox(), {}, { usd: '0.0001' })
  credits.pool({ id: 'team', usd: '0.0002', period: 'day' })
  const json = (error: unknown) => JSON.parse(JSON.stringify(error)) as Record<string, unknown>
  const short = (await refused()) as Error
  expect(short.message).toMatch(/^cus_1 has 0.0001 usd left/)
  expect(json(short)).toEqual({
    message:
      'The credit that is left, $0.0001, does not cover this call, which can cost up to $0.0006',
    code: 'insufficient_credits',
    status: 402,
    unit: 'usd',
    available: '0.0001',
    required: '0.0006',
    affordableOutputTokens: 0,
  })
  await credits.grant('cus_1', { usd: '1', idempotencyKey: 'more' })
  expect(json(await refused({ pools: ['team'] }))).toMatchObject({
    message:
      'What is left of the limit of this period, $0.0002, does not cover this call, which can cost up to $0.0006',
    pool: 'team',
  })
  expect(json(await refused({ model: 'unheard' }))).toEqual({
    message: 'This call cannot be made with prepaid credit',
    code: 'call_refused',
    status: 403,
    reason: 'unknown_price',
  })
  await credits.block('cus_1', 'suspected')
  expect(JSON.stringify(await refused())).not.toMatch(/suspected|cus_1/)
  await credits.block('cus_1', null)
  await outbox.append([costing('r1', '2')])
  const inDebt = (await refused()) as Error
  expect(json(inDebt).message).toMatch(/^Nothing is left of the credit for this call/)
  expect(inDebt.message).toMatch(/: grant credit$/)
})

test('without a cost calculator a refusal says where to pass one', async () => {
  const { refused } = await startGuard(memoryOutbox(), {}, { usd: '1', cost: undefined as never })
  expect(((await refused()) as Error).message).toMatch(
    /no cost calculator. Pass it the meter's own: createCredits\({ outbox, cost }\), or/,
  )
})

test('two outboxes of one file are two: a meter takes a guard of its own only', () => {
  const path = temporaryFile()
  const [outbox, other] = [sqliteOutbox(path), sqliteOutbox(path)]
  onTestFinished(() => {
    outbox.close()
    other.close()
  })
  const guard = createCredits({ outbox }).guard()
  const make = (own: Outbox) => () => createMeter({ providers: [], outbox: own, guard })
  expect(make(other)).toThrow(ConfigError)
  expect(make(memoryOutbox())).toThrow(/pass the same object to both/)
  expect(make(outbox)).not.toThrow()
})

test('where the store is free, a call waits for no turn', async () => {
  const { guard } = await startGuard(sqliteOutbox(temporaryFile()), {}, { usd: '1' })
  const admission = guard.admit(calling())
  expect(admission).not.toBeInstanceOf(Promise)
  expect(admission).toMatchObject({ holdIds: [expect.any(String)] })
})

test.each<[object, RegExp]>([
  [{ defaultMaxOutput: 0 }, /defaultMaxOutput/],
  [{ estimate: 'exact' }, /estimate must be "likely" or "bound"/],
  [{ unbounded: 'allow' }, /unbounded/],
  [{ unboundedInput: -1 }, /unboundedInput/],
  [{ unknownPrice: 'allow' }, /unknownPrice/],
  [{ unknownPrice: { usd: 0.05 } }, /unknownPrice/],
  [{ unknownPrice: { usd: '-1' } }, /unknownPrice/],
  [{ unknownCustomer: true }, /unknownCustomer/],
  [{ onStoreError: 'ignore' }, /onStoreError/],
  [{ onExhausted: 'stop' }, /onExhausted/],
  [{ holdTimeoutMs: 0 }, /holdTimeoutMs/],
  [{ leaseMs: 2 ** 31 }, /leaseMs/],
  [{ modelMaxOutput: 4096 }, /modelMaxOutput/],
  [{ maxOutput: 3 }, /no option "maxOutput"/],
])('refuses the options %j', (options, message) => {
  const credits = createCredits({ outbox: memoryOutbox(), ephemeral: true })
  expect(() => credits.guard(options as GuardOptions)).toThrow(message)
})
