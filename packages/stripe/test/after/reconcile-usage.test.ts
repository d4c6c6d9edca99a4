import { aggregated } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { ConfigError, type MeterEvent } from '@token-meter/core/sink'
import type { Fault } from '@token-meter/testkit'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ReconcileError, reconcileUsage } from '../../src/index.ts'
import { hour, passTime, setTime, startBilling } from './billing.ts'

const start = Date.parse('2026-11-21T10:00:30Z')
const window = { from: start - hour, to: start + hour }
const name = 'token-billing-tokens'
/** Of a record with one event. */
const inputOnly = (input: number) => ({ input, cachedInput: 0, cachedWrite: 0, output: 0 })
const byType = {
  sink: { eventName: ({ dimensions }: MeterEvent) => `llm-${dimensions.token_type}` },
  fake: { meters: ['llm-input', 'llm-cached_input', 'llm-output'] },
}

beforeEach(() => setTime('2026-11-21T10:00:30Z'))
afterEach(() => {
  vi.useRealTimers()
})

type Billing = Awaited<ReturnType<typeof startBilling>>

/** Sends events that get no clear answer, until that is too long ago. */
async function loseTrack(billing: Billing, events: readonly (readonly [string, Fault])[]) {
  for (const [matching, fault] of events)
    billing.fake.failWith(fault, { matching, times: Infinity })
  await billing.deliver()
  billing.fake.recover()
  passTime(25 * hour)
  await billing.deliver()
}

const arrives = { connection: 'reset', processed: true } as const
const doesNot = { connection: 'reset' } as const

const reconcile = (billing: Billing, change: object = {}) =>
  reconcileUsage({ ...billing.options, ...window, lagMs: 0, ...change })

test('where all is as it should be, nothing differs', async () => {
  const billing = await startBilling()
  await billing.add('a')
  await billing.add('b')
  await billing.add('c', { customer: 'cus_2' })
  await billing.deliver()
  await billing.add('later', { at: start + 3 * hour })
  await billing.add('waiting', { customer: 'cus_2' })
  const nothing = { uncertain: 0, pending: 0, dead: 0, difference: 0, problem: undefined }
  const report = await reconcile(billing)
  expect(report).toEqual({
    fromMs: Date.parse('2026-11-21T09:00:00Z'),
    untilMs: Date.parse('2026-11-21T11:01:00Z'),
    sums: [
      { customer: 'cus_1', eventName: name, billed: 44, delivered: 44, ...nothing },
      { customer: 'cus_2', eventName: name, billed: 22, delivered: 22, ...nothing, pending: 22 },
    ],
    actions: [],
    unresolved: [],
  })
  expect((await reconcile(billing, { customer: 'cus_2' })).sums).toHaveLength(1)
})

test('a difference is said: what Stripe lost, and what nobody knew it had', async () => {
  const billing = await startBilling()
  await billing.add('a')
  await billing.add('b', { customer: 'cus_2' })
  await billing.deliver()
  billing.fake.failEvents(({ identifier }) => identifier === 'a:input', 'odd', 'Odd.')
  await billing.outbox.correct('stripe', ['b'], { state: 'dead', reason: 'a mistake' })
  expect((await reconcile(billing)).sums).toMatchObject([
    { customer: 'cus_1', billed: 12, delivered: 22, difference: -10 },
    { customer: 'cus_2', billed: 22, delivered: 0, dead: 22, difference: 22 },
  ])
})

test('what is proven is only named until it is to be applied', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await loseTrack(billing, [['r:', arrives]])
  const action = {
    recordId: 'r',
    customer: 'cus_1',
    action: 'delivered',
    arrivedEventIds: ['r:input', 'r:cached_input', 'r:output'],
    missingEventIds: [],
  }
  const named = await reconcile(billing)
  expect(named.actions).toEqual([{ ...action, applied: false }])
  expect(named.sums).toMatchObject([{ billed: 22, delivered: 0, uncertain: 22, difference: 22 }])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'dead' })
  const applied = await reconcile(billing, { apply: true })
  expect(applied.actions).toEqual([{ ...action, applied: true }])
  expect(applied.sums).toMatchObject([{ billed: 22, delivered: 22, uncertain: 0, difference: 0 }])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
  expect((await reconcile(billing, { apply: true })).actions).toEqual([])
})

test('what certainly did not arrive is sent again, once', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.add('known')
  await loseTrack(billing, [['r:', doesNot]])
  expect(billing.fake.meterEvents).toHaveLength(3)
  const { actions } = await reconcile(billing, { apply: true })
  expect(actions).toMatchObject([{ recordId: 'r', action: 'requeue', applied: true }])
  expect(await billing.deliver()).toEqual({ r: 'accepted' })
  expect(billing.fake.meterEvents).toHaveLength(6)
  expect((await reconcile(billing)).sums).toMatchObject([{ billed: 44, difference: 0 }])
})

test.each(['memory', 'sqlite'])(
  'of a record that arrived in part, by %s, the rest is sent',
  async (kind) => {
    const file = join(mkdtempSync(join(tmpdir(), 'token-meter-')), 'usage.db')
    const billing = await startBilling({}, {}, kind === 'sqlite' ? sqliteOutbox(file) : undefined)
    await billing.add('r')
    await loseTrack(billing, [
      ['r:input', arrives],
      ['r:output', doesNot],
    ])
    const { actions } = await reconcile(billing, { apply: true })
    const split = { arrivedEventIds: ['r:input'], missingEventIds: ['r:output'] }
    expect(actions).toMatchObject([{ action: 'requeue', applied: true, ...split }])
    await billing.deliver()
    expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input 10', 'r:output 7'])
    expect(await billing.outbox.stats('stripe')).toMatchObject({
      delivered: 1,
      dead: 0,
      pending: 0,
    })
  },
)

test('records of one minute are told apart by their sums', async () => {
  const billing = await startBilling()
  await billing.add('a', { tokens: inputOnly(101) })
  await billing.add('b', { tokens: inputOnly(110) })
  await billing.add('c', { tokens: inputOnly(200) })
  await loseTrack(billing, [
    ['a:', arrives],
    ['b:', doesNot],
    ['c:', arrives],
  ])
  const { actions } = await reconcile(billing, { apply: true })
  const done = Object.fromEntries(actions.map(({ recordId, action }) => [recordId, action]))
  expect(done).toEqual({ a: 'delivered', b: 'requeue', c: 'delivered' })
  await billing.deliver()
  expect(billing.billed()).toEqual(['a:input 101', 'b:input 110', 'c:input 200'])
})

test('what the sums do not tell apart is left alone', async () => {
  const billing = await startBilling()
  await billing.add('a', { tokens: inputOnly(22) })
  await billing.add('b', { tokens: inputOnly(22) })
  await loseTrack(billing, [
    ['a:', arrives],
    ['b:', doesNot],
  ])
  const report = await reconcile(billing, { apply: true })
  expect(report.actions).toEqual([])
  const reason = expect.stringMatching(/bills 22 for that time.*more than one choice/)
  expect(report.unresolved).toMatchObject([
    { recordId: 'a', reason },
    { recordId: 'b', reason },
  ])
  expect(await billing.outbox.stats('stripe')).toMatchObject({ dead: 2 })
})

test('the same records a minute apart are told apart', async () => {
  const billing = await startBilling()
  await billing.add('a', { tokens: inputOnly(22) })
  await billing.add('b', { tokens: inputOnly(22), at: start + 60_000 })
  await loseTrack(billing, [
    ['a:', arrives],
    ['b:', doesNot],
  ])
  const { actions } = await reconcile(billing)
  expect(actions).toMatchObject([
    { recordId: 'a', action: 'delivered' },
    { recordId: 'b', action: 'requeue' },
  ])
})

test('sums that make no sense are left alone', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.add('known', { tokens: inputOnly(4) })
  await loseTrack(billing, [['r:', arrives]])
  billing.fake.failEvents(({ identifier }) => identifier === 'known:input', 'odd', 'Odd.')
  const { actions, unresolved } = await reconcile(billing, { apply: true })
  expect(actions).toEqual([])
  expect(unresolved).toMatchObject([{ reason: expect.stringContaining('no choice') }])
})

test('each meter of a GA account is compared by itself', async () => {
  const billing = await startBilling(byType.sink, byType.fake)
  await billing.add('r')
  await loseTrack(billing, [
    ['r:input', arrives],
    ['r:output', doesNot],
  ])
  const { actions, sums } = await reconcile(billing, { apply: true })
  expect(actions).toMatchObject([{ action: 'requeue', missingEventIds: ['r:output'] }])
  await billing.deliver()
  expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input 10', 'r:output 7'])
  expect(sums.map(({ eventName, billed }) => [eventName, billed]).toSorted()).toEqual([
    ['llm-cached_input', 5],
    ['llm-input', 10],
    ['llm-output', 0],
  ])
})

test('while usage of the minute is on its way nothing of it is decided', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await loseTrack(billing, [['r:', arrives]])
  await billing.add('coming', { at: start })
  const { unresolved } = await reconcile(billing, { apply: true })
  expect(unresolved).toMatchObject([{ reason: expect.stringContaining('still on its way') }])
})

test('sums that lag behind decide nothing: what was delivered meanwhile stops it', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await loseTrack(billing, [['r:', arrives]])
  billing.fake.holdSummaries()
  await billing.add('late', { at: start })
  await billing.deliver()
  // Stripe's sum is that of r alone, which is as much as that of the other: it must not look missing.
  const waiting = reconcile(billing, { apply: true, lagMs: 1000 })
  setTimeout(() => billing.fake.releaseSummaries(), 50)
  expect((await waiting).actions).toMatchObject([{ recordId: 'r', action: 'delivered' }])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
})

test('what is settled between the two looks at the ledger is not decided on', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await loseTrack(billing, [['r:', arrives]])
  const { outbox } = billing
  let looks = 0
  const ledger: typeof outbox.ledger = async (...of) => {
    // The third look is that after Stripe's answer.
    if (++looks === 3) await outbox.requeue('stripe', ['r'])
    return outbox.ledger(...of)
  }
  const moving = { outbox: { ...outbox, ledger }, apply: true }
  const { actions, unresolved } = await reconcile(billing, moving)
  expect(actions).toEqual([])
  expect(unresolved).toMatchObject([{ reason: expect.stringContaining('meanwhile') }])
})

test('a cancelled bill counts for nothing', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  await billing.outbox.correct('stripe', ['r'], {
    state: 'discarded',
    reason: 'a refund',
    code: 'cancelled',
  })
  billing.fake.failEvents(() => true, 'cancelled', 'Cancelled.')
  expect((await reconcile(billing)).sums).toMatchObject([{ delivered: 0, difference: 0 }])
})

test('no text decides anything: only the code says that it may have arrived, or was summed', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const since = Date.now()
  const text =
    `Whether Stripe has it is unknown since ${new Date(since).toISOString()}, when an attempt got no ` +
    'clear answer. (As part of the sum s it may have arrived before.) cancelled at Stripe'
  const { outbox } = billing
  await outbox.correct('stripe', ['r'], { state: 'dead', reason: text })
  expect(await reconcile(billing)).toMatchObject({ actions: [], unresolved: [] })
  await outbox.correct('stripe', ['r'], { state: 'discarded', reason: text })
  await outbox.correct('stripe', ['r'], {
    state: 'dead',
    reason: 'nothing of it',
    code: 'uncertain',
    since,
  })
  expect((await reconcile(billing)).actions).toMatchObject([{ action: 'delivered' }])
  await outbox.correct('stripe', ['r'], { state: 'discarded', reason: text })
  await outbox.correct('stripe', ['r'], {
    state: 'dead',
    reason: 'nothing of it',
    code: 'uncertain_sum',
    since,
  })
  expect(await reconcile(billing)).toMatchObject({
    actions: [],
    unresolved: [{ reason: expect.stringContaining('windowMs') }],
  })
})

test('no permission, and limits', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  billing.fake.failWith({ status: 403 }, { times: Infinity })
  const refused = reconcile(billing)
  await expect(refused).rejects.toThrow(ReconcileError)
  await expect(refused).rejects.toThrow(/Billing meters: Read/)
  billing.fake.recover()
  billing.fake.failWith({ status: 429 })
  expect((await reconcile(billing)).sums).toMatchObject([{ difference: 0 }])
})

test('it can be stopped, and wrong options are refused', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await loseTrack(billing, [['r:', arrives]])
  const signal = AbortSignal.timeout(30)
  await expect(reconcile(billing, { lagMs: 60_000, signal })).rejects.toThrow(/timeout/)
  await expect(reconcile(billing, { from: window.to, to: window.from })).rejects.toThrow(
    ConfigError,
  )
  await expect(reconcile(billing, { from: new Date('no') })).rejects.toThrow(/from and to/)
  await expect(reconcile(billing, { lagMs: -1 })).rejects.toThrow(/lagMs/)
})

test('of sums, whole windows are compared', async () => {
  const windowMs = 5 * 60_000
  const billing = await startBilling({}, {}, undefined, (sink) => aggregated(sink, { windowMs }))
  await billing.add('a')
  await billing.add('b', { at: start + 2 * 60_000 })
  await loseTrack(billing, [['"', arrives]])
  expect(billing.fake.meterEvents).toHaveLength(3)
  const unaware = await reconcile(billing, { apply: true })
  expect(unaware.actions).toEqual([])
  expect(unaware.unresolved).toMatchObject([
    { recordId: 'a', reason: 'it was part of a sum: set windowMs' },
    { recordId: 'b', reason: expect.any(String) },
  ])
  const { actions } = await reconcile(billing, { apply: true, windowMs })
  expect(actions).toMatchObject([{ action: 'delivered' }, { action: 'delivered' }])
  await expect(reconcile(billing, { windowMs: 90_000 })).rejects.toThrow(ConfigError)
})
