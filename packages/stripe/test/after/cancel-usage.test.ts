import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CancelError, cancelUsage, reconcileUsage } from '../../src/index.ts'
import { hour, passTime, setTime, signed, startBilling } from './billing.ts'

beforeEach(() => setTime('2026-11-21T10:00:00Z'))
afterEach(() => {
  vi.useRealTimers()
})

const adjusted = ({ requests }: { requests: readonly { path: string }[] }) =>
  requests.filter(({ path }) => path.endsWith('adjustments'))

test.each(['v1', 'v2', 'stream'] as const)(
  'all events of a record are taken back by %s',
  async (api) => {
    const billing = await startBilling()
    await billing.add('r')
    await billing.add('other')
    await billing.deliver()
    const eventIds = ['r:input', 'r:cached_input', 'r:output']
    const cancelled = await cancelUsage('r', { ...billing.options, api, reason: 'a refund' })
    expect(cancelled).toMatchObject({ recordId: 'r' })
    expect(cancelled.eventIds.toSorted()).toEqual(eventIds.toSorted())
    expect(billing.billed()).toEqual(['other:cached_input 5', 'other:input 10', 'other:output 7'])
    const version = api === 'v1' ? 'v1' : 'v2'
    for (const { path } of adjusted(billing.fake)) expect(path).toContain(`/${version}/`)
    expect(await billing.stateOf('r')).toMatchObject({
      state: 'discarded',
      reason: 'cancelled at Stripe: a refund',
      code: 'cancelled',
    })
    expect(await billing.stateOf('other')).toMatchObject({ state: 'delivered' })
    expect(await billing.outbox.stats('stripe')).toMatchObject({ delivered: 1, discarded: 1 })
  },
)

test('twice is as good as once', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  await cancelUsage('r', billing.options)
  const requests = billing.fake.requests.length
  expect(await cancelUsage('r', billing.options)).toEqual({ recordId: 'r', eventIds: [] })
  expect(billing.fake.requests).toHaveLength(requests)
})

test('only the code says that it was cancelled, whatever the reason says', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const { outbox } = billing
  await outbox.correct('stripe', ['r'], {
    state: 'dead',
    reason: 'in part',
    deliveredEventIds: ['r:input'],
  })
  await outbox.correct('stripe', ['r'], {
    state: 'discarded',
    reason: 'cancelled at Stripe: or so I thought',
  })
  const { eventIds } = await cancelUsage('r', billing.options)
  expect(eventIds).toEqual(['r:input'])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded', code: 'cancelled' })
})

test('each meter of a GA account gets its own', async () => {
  const billing = await startBilling({
    eventName: ({ dimensions }) => `llm-${dimensions.token_type}`,
  })
  await billing.add('r')
  await billing.deliver()
  expect(billing.fake.meterEvents).toHaveLength(3)
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
})

test('what was sent again under other ids is taken back under those', async () => {
  const customers: string[] = []
  const billing = await startBilling({}, { customers })
  await billing.add('r')
  await billing.deliver()
  await billing.webhook()(signed(billing.fake.reportErrors()[0] ?? ''))
  customers.push('cus_1')
  await billing.outbox.requeue('stripe')
  await billing.deliver()
  const { eventIds } = await cancelUsage('r', billing.options)
  expect(eventIds.toSorted()).toEqual(['r:cached_input~2', 'r:input~2', 'r:output~2'])
  expect(billing.billed()).toEqual([])
})

test('after 24 hours Stripe refuses, and nothing has changed', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  passTime(25 * hour)
  const cancelling = cancelUsage('r', billing.options)
  await expect(cancelling).rejects.toThrow(/more than 24 hours ago.*Nothing was changed/)
  await expect(cancelling).rejects.toMatchObject({
    code: 'cancel',
    recordId: 'r',
    cancelledEventIds: [],
    billedEventIds: { length: 3 },
  })
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
  expect(billing.billed()).toHaveLength(3)
})

test('what was delivered late is cancelled by when Stripe got it', async () => {
  const billing = await startBilling()
  await billing.add('r')
  passTime(30 * hour)
  await billing.deliver()
  passTime(23 * hour)
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
})

test('a failure in the middle says what is still billed, and the next call goes on', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  billing.fake.failWith({ status: 400 }, { matching: 'r:output' })
  const error = await cancelUsage('r', billing.options).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(CancelError)
  expect(error).toMatchObject({
    billedEventIds: ['r:output'],
    message: expect.stringMatching(/in part: r:output are still billed. Call cancelUsage again/),
  })
  expect(billing.billed()).toEqual(['r:output 7'])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded' })
})

test('an answer that is lost does not cancel twice', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  billing.fake.failWith({ status: 500, processed: true }, { matching: 'r:output' })
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
})

test('the process dies between Stripe and the ledger: the next call finishes it', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const correct = () => Promise.reject(new Error('killed'))
  const dying = { ...billing.options, outbox: { ...billing.outbox, correct } }
  await expect(cancelUsage('r', dying)).rejects.toThrow('killed')
  await cancelUsage('r', billing.options)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded' })
})

test('a record on its way is to be cancelled later', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await expect(cancelUsage('r', billing.options)).rejects.toThrow(/on its way to Stripe; try again/)
  await billing.deliver()
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
})

test('of a dead letter only what Stripe has is taken back, and it is given up', async () => {
  const billing = await startBilling()
  await billing.add('r')
  billing.fake.failWith({ status: 400 }, { matching: 'r:output' })
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  const { eventIds } = await cancelUsage('r', billing.options)
  expect(eventIds.toSorted()).toEqual(['r:cached_input', 'r:input'])
  expect(billing.billed()).toEqual([])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded' })
  const day = { from: Date.now() - 60_000, to: Date.now() + 60_000 }
  const { sums } = await reconcileUsage({ ...billing.options, ...day })
  expect(sums).toMatchObject([{ delivered: 0 }])
  expect(await cancelUsage('r', billing.options)).toMatchObject({ eventIds: [] })
})

test('of one whose fate is unknown everything that is there is taken back', async () => {
  const billing = await startBilling()
  await billing.add('r')
  billing.fake.failWith({ connection: 'reset' }, { matching: 'r:output', times: Infinity })
  billing.fake.failWith({ status: 500, processed: true }, { matching: 'r:input', times: Infinity })
  await billing.deliver()
  passTime(23.5 * hour)
  billing.fake.recover()
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input 10'])
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
})

test('after a day, one whose fate is unknown is not said to be off the bill', async () => {
  const billing = await startBilling()
  await billing.add('r')
  billing.fake.failWith({ status: 500, processed: true }, { times: Infinity })
  await billing.deliver()
  passTime(25 * hour)
  billing.fake.recover()
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  expect(billing.billed()).toHaveLength(3)
  const cancelling = cancelUsage('r', billing.options)
  await expect(cancelling).rejects.toBeInstanceOf(CancelError)
  await expect(cancelling).rejects.toThrow(/reconcileUsage/)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'dead' })
  const day = { from: Date.now() - 48 * hour, to: Date.now() }
  const { actions } = await reconcileUsage({ ...billing.options, ...day, apply: true, lagMs: 0 })
  expect(actions).toMatchObject([{ recordId: 'r', action: 'delivered', applied: true }])
})

test('what Stripe has of a dead letter that was given up is taken back, and known to be', async () => {
  const billing = await startBilling({}, { meters: ['token-billing-tokens'] })
  await billing.add('r')
  billing.fake.failWith({ status: 400 }, { matching: 'r:output' })
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  await billing.outbox.discard('stripe')
  await cancelUsage('r', billing.options)
  expect(billing.billed()).toEqual([])
  const day = { from: Date.now() - 60_000, to: Date.now() + 60_000 }
  const { sums } = await reconcileUsage({ ...billing.options, ...day })
  expect(sums).toMatchObject([{ delivered: 0, difference: 0 }])
  expect(await cancelUsage('r', billing.options)).toMatchObject({ eventIds: [] })
  expect(await billing.outbox.stats('stripe')).toMatchObject({ discarded: 1, dead: 0 })
})

test('requeued while it was being cancelled: it is not said to be off the bill', async () => {
  const billing = await startBilling()
  await billing.add('r')
  billing.fake.failWith({ status: 400 }, { matching: 'r:output' })
  expect(await billing.deliver()).toEqual({ r: 'rejected' })
  const { outbox } = billing
  const correct: typeof outbox.correct = async (...correction) => {
    await outbox.requeue('stripe')
    return outbox.correct(...correction)
  }
  const racing = { ...billing.options, outbox: { ...outbox, correct } }
  await expect(cancelUsage('r', racing)).rejects.toThrow(/moved in the meantime/)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'pending' })
})

test('a refusal that v1 only repeats is asked again', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const repeated = { status: 400, headers: { 'idempotent-replayed': 'true' } }
  billing.fake.failWith(repeated, { to: 'adjustments' })
  await cancelUsage('r', { ...billing.options, api: 'v1' })
  expect(billing.billed()).toEqual([])
})

test.each([
  ['unknown', 'no-such-record', /the ledger does not have it/],
  ['of nobody', 'r', /nobody is billed for it/],
])('a record that is %s cannot be cancelled', async (_, id, reason) => {
  const billing = await startBilling()
  await billing.add('r', { customer: null })
  await expect(cancelUsage(id, billing.options)).rejects.toThrow(reason)
  expect(billing.fake.requests).toEqual([])
})

test('a wrong key is in no error', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const wrong = { ...billing.options, apiKey: 'rk_live_otherSECRET' }
  const error = await cancelUsage('r', wrong).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(CancelError)
  expect((error as Error).message).not.toContain('SECRET')
})
