import { createMeter, memoryOutbox } from '@token-meter/core'
import { sqliteOutbox } from '@token-meter/core/sqlite'
import { ConfigError } from '@token-meter/core/sink'
import type { Outbox } from '@token-meter/core/adapter'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Stripe from 'stripe'
import { expect, test, vi } from 'vitest'
import { meterErrorHandler } from '../../src/index.ts'
import { signed, startBilling, webhookSecret } from './billing.ts'

const gone = 'meter_event_customer_not_found'

test('a customer that Stripe does not know makes dead letters, and once it exists all is billed once', async () => {
  const customers = ['cus_1']
  const billing = await startBilling({}, { customers })
  await billing.add('good')
  await billing.add('lost', { customer: 'cus_gone' })
  expect(await billing.deliver()).toEqual({ good: 'accepted', lost: 'accepted' })
  const handle = billing.webhook()
  const [body = ''] = billing.fake.reportErrors()
  const answer = await handle(signed(body))
  expect(answer.status).toBe(200)
  expect(await answer.json()).toEqual({ deadLetters: 1, pending: 0, unknown: 0, unnamed: 0 })
  expect(await billing.stateOf('good')).toMatchObject({ state: 'delivered' })
  expect(await billing.outbox.deadLetters('stripe')).toMatchObject([
    {
      record: { id: 'lost' },
      reason: expect.stringMatching(/input: meter_event_customer_not_found, The customer cus_gone/),
    },
  ])
  expect(billing.reports).toMatchObject([
    {
      eventId: JSON.parse(body).id,
      meter: expect.stringMatching(/^mtr_/),
      fromMs: expect.any(Number),
      deadLetters: [{ recordId: 'lost', customer: 'cus_gone', eventIds: { length: 3 } }],
      unnamed: [],
    },
  ])
  customers.push('cus_gone')
  await billing.outbox.requeue('stripe')
  expect(await billing.deliver()).toEqual({ lost: 'accepted' })
  // Stripe would take the old ids and keys for what it has answered already.
  expect(billing.billed()).toEqual([
    'good:cached_input 5',
    'good:input 10',
    'good:output 7',
    'lost:cached_input~2 5',
    'lost:input~2 10',
    'lost:output~2 7',
  ])
})

const outboxes: readonly (readonly [string, () => Outbox])[] = [
  ['memory', () => memoryOutbox()],
  ['sqlite', () => sqliteOutbox(join(mkdtempSync(join(tmpdir(), 'token-meter-')), 'usage.db'))],
]

test.each(outboxes)(
  'of a record in %s only the event that failed is sent again',
  async (_, open) => {
    const billing = await startBilling({}, {}, open())
    await billing.add('r')
    await billing.deliver()
    billing.fake.failEvents(({ identifier }) => identifier === 'r:input', gone, 'No such customer.')
    const [body = ''] = billing.fake.reportErrors()
    await billing.webhook()(signed(body))
    await billing.outbox.requeue('stripe')
    const requests = billing.fake.requests.length
    expect(await billing.deliver()).toEqual({ r: 'accepted' })
    expect(billing.fake.requests).toHaveLength(requests + 1)
    expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input~2 10', 'r:output 7'])
    // The same notification after all that, as Stripe may send it for days, in a process of its own.
    expect((await billing.webhook()(signed(body))).status).toBe(200)
    expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
    // What fails again is reported again, and is sent under yet another id.
    billing.fake.failEvents(
      ({ identifier }) => identifier === 'r:input~2',
      gone,
      'No such customer.',
    )
    const [again = ''] = billing.fake.reportErrors()
    await billing.webhook()(signed(again))
    expect(await billing.stateOf('r')).toMatchObject({ state: 'dead' })
    await billing.outbox.requeue('stripe')
    await billing.deliver()
    expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input~3 10', 'r:output 7'])
  },
)

test('two notifications about one record, at the same time, leave nothing out', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  const bodies = ['input', 'output'].map((type) => {
    billing.fake.failEvents(({ identifier }) => identifier === `r:${type}`, gone, 'No customer.')
    return billing.fake.reportErrors()[0] ?? ''
  })
  const handle = billing.webhook()
  const answers = await Promise.all([...bodies, ...bodies].map((body) => handle(signed(body))))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  await billing.outbox.requeue('stripe')
  await billing.deliver()
  expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input~2 10', 'r:output~2 7'])
})

test('a record that is still on its way: Stripe is to come again, and what else it names is done', async () => {
  const billing = await startBilling()
  await billing.add('done')
  await billing.deliver()
  await billing.add('busy', { customer: 'cus_2' })
  billing.fake.failWith({ status: 429 }, { matching: 'busy:output', times: 1 })
  expect(await billing.deliver()).toEqual({ busy: 'retry' })
  billing.fake.failEvents(({ identifier }) => !!identifier?.endsWith(':input'), gone, 'No such.')
  const [body = ''] = billing.fake.reportErrors()
  const handle = billing.webhook()
  const early = await handle(signed(body))
  expect(early.status).toBe(503)
  expect(await early.json()).toMatchObject({ deadLetters: 1, pending: 1 })
  expect(early.headers.get('retry-after')).toBe('60')
  expect(await billing.stateOf('done')).toMatchObject({ state: 'dead' })
  expect(await billing.deliver()).toEqual({ busy: 'accepted' })
  expect((await handle(signed(body))).status).toBe(200)
  expect(await billing.stateOf('busy')).toMatchObject({
    state: 'dead',
    deliveredEventIds: ['busy:cached_input', 'busy:output'],
  })
  await billing.outbox.requeue('stripe')
  await billing.deliver()
  expect(billing.billed()).toEqual([
    'busy:cached_input 5',
    'busy:input~2 10',
    'busy:output 7',
    'done:cached_input 5',
    'done:input~2 10',
    'done:output 7',
  ])
})

test('what the samples do not name is counted, with the meter and the window', async () => {
  const billing = await startBilling({}, { customers: [] })
  for (const id of ['a', 'b', 'c']) await billing.add(id)
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors({ samples: 2 })
  const answer = await billing.webhook()(signed(body))
  expect(await answer.json()).toMatchObject({ unnamed: 7 })
  expect(billing.reports).toMatchObject([
    { unnamed: [{ code: gone, count: 7 }], meter: expect.any(String), untilMs: expect.any(Number) },
  ])
  const { dead = 0, delivered } = await billing.outbox.stats('stripe')
  expect(dead + delivered).toBe(3)
  expect(dead).toBe(billing.reports[0]?.deadLetters.length)
})

test('a report of no meter has none, and samples may be named by the idempotency key', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  billing.fake.failEvents(() => true, 'no_meter', 'No meter.')
  const [body = ''] = billing.fake.reportErrors({ namedBy: 'idempotency_key' })
  expect(JSON.parse(body)).toMatchObject({ type: 'v1.billing.meter.no_meter_found' })
  expect((await billing.webhook()(signed(body))).status).toBe(200)
  expect(billing.reports).toMatchObject([{ meter: undefined, deadLetters: [{ recordId: 'r' }] }])
  expect(await billing.stateOf('r')).toMatchObject({ state: 'dead', deliveredEventIds: [] })
})

test('events of other programs, and of records that were pruned, are unknown', async () => {
  const billing = await startBilling()
  const { host, port, apiKey } = billing.fake
  const stripe = new Stripe(apiKey, { host, port, protocol: 'http' })
  for (const identifier of ['their-own', 'pruned:input']) {
    const payload = { stripe_customer_id: 'cus_1', value: '1' }
    await stripe.v2.billing.meterEvents.create({ event_name: 'tokens', identifier, payload })
  }
  billing.fake.failEvents(() => true, gone, 'No such customer.')
  const [body = ''] = billing.fake.reportErrors()
  expect(await (await billing.webhook()(signed(body))).json()).toMatchObject({ unknown: 2 })
  expect(billing.reports).toMatchObject([{ unknown: ['their-own', 'pruned:input'] }])
})

test('a bill that was cancelled or given up stays so', async () => {
  const billing = await startBilling()
  await billing.add('r')
  await billing.deliver()
  await billing.outbox.correct('stripe', ['r'], { state: 'discarded', reason: 'our own fault' })
  billing.fake.failEvents(() => true, gone, 'No such customer.')
  const [body = ''] = billing.fake.reportErrors()
  expect(await (await billing.webhook()(signed(body))).json()).toMatchObject({ deadLetters: 0 })
  expect(await billing.stateOf('r')).toMatchObject({ state: 'discarded', reason: 'our own fault' })
})

test('the same notification twice is one request to Stripe, and one report', async () => {
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const handle = billing.webhook()
  await handle(signed(body))
  const requests = billing.fake.requests.length
  const again = await handle(signed(body))
  expect([again.status, await again.json()]).toEqual([200, { handled: 'before' }])
  expect(billing.fake.requests).toHaveLength(requests)
  expect(billing.reports).toHaveLength(1)
})

test('listeners of a meter hear of dead letters', async () => {
  const billing = await startBilling({}, { customers: [] })
  const onError = vi.fn()
  const { outbox } = billing
  await using meter = createMeter({ providers: [], outbox, onError })
  const dead = vi.fn()
  meter.on('dead-letter', dead)
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const handle = billing.webhook({ meter, outbox: undefined })
  await handle(signed(body))
  await handle(signed(body))
  expect(dead.mock.calls).toMatchObject([[{ sink: 'stripe', record: { id: 'r' } }]])
  expect(onError).toHaveBeenCalledTimes(1)
})

test('a report that cannot be kept is brought again, with all that is in it', async () => {
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const onReport = vi.fn().mockRejectedValueOnce(new Error('database is down'))
  const handle = billing.webhook({ onReport })
  expect((await handle(signed(body))).status).toBe(500)
  expect((await handle(signed(body))).status).toBe(200)
  const deadLetters = [{ recordId: 'r' }]
  expect(onReport.mock.calls).toMatchObject([[{ deadLetters }], [{ deadLetters }]])
})

test.each([
  ['no signature', (body: string) => new Request('https://x', { method: 'POST', body })],
  ['the signature of another secret', (body: string) => signed(body, { secret: 'whsec_other' })],
  ['an old signature', (body: string) => signed(body, { atMs: Date.now() - 400_000 })],
  [
    'another body',
    (body: string) => new Request(signed(body), { method: 'POST', body: `${body} ` }),
  ],
  ['what is no JSON', () => signed('hello')],
  ['what is no notification', () => signed('{"object":"charge"}')],
])('%s is refused, and nothing is asked of Stripe', async (_, request) => {
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const requests = billing.fake.requests.length
  const [body = ''] = billing.fake.reportErrors()
  const answer = await billing.webhook()(request(body))
  expect(answer.status).toBe(400)
  expect(await answer.text()).not.toMatch(/SECRET|rk_live|whsec/)
  expect(billing.fake.requests).toHaveLength(requests)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
})

test('how old a signature may be is an option', async () => {
  const billing = await startBilling()
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'v2.core.event',
    type: 'v2.core.event_destination.ping',
  })
  const request = () => signed(body, { atMs: Date.now() - 20_000 })
  expect((await billing.webhook({ toleranceMs: 5_000 })(request())).status).toBe(400)
  expect((await billing.webhook()(request())).status).toBe(200)
})

test.each([
  ['of another type', { id: 'evt_1', object: 'v2.core.event', type: 'v1.billing.meter.created' }],
  ['with a whole event in it', { id: 'evt_1', object: 'event', type: 'invoice.paid' }],
  [
    'of another connected account',
    {
      id: 'evt_1',
      object: 'v2.core.event',
      type: 'v1.billing.meter.no_meter_found',
      context: 'acct_2',
    },
  ],
])('a notification %s is answered and left alone', async (_, notification) => {
  const billing = await startBilling()
  const handle = billing.webhook({ stripeAccount: 'acct_1' })
  const answer = await handle(signed(JSON.stringify(notification)))
  expect(answer.status).toBe(200)
  expect(await answer.json()).toHaveProperty('ignored')
  expect(billing.fake.requests).toEqual([])
  expect(billing.errors.join()).toMatch(notification.object === 'event' ? /Thin/ : /^$/)
})

test('the event of a connected account is read there', async () => {
  const billing = await startBilling({ stripeAccount: 'acct_1' }, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const ofAccount = JSON.stringify({ ...JSON.parse(body), context: 'acct_1' })
  expect((await billing.webhook()(signed(ofAccount))).status).toBe(200)
  expect(billing.fake.requests.at(-1)?.headers).toMatchObject({ 'stripe-context': 'acct_1' })
})

test('a sample that names the second key of a request is of the same event', async () => {
  const billing = await startBilling({ api: 'v1' })
  await billing.add('r')
  const repeated = { status: 500, headers: { 'idempotent-replayed': 'true' } }
  billing.fake.failWith(repeated, { matching: 'r%3Ainput' })
  await billing.deliver()
  billing.fake.failEvents(({ identifier }) => identifier === 'r:input', gone, 'No such customer.')
  const [body = ''] = billing.fake.reportErrors({ namedBy: 'idempotency_key' })
  expect((await billing.webhook()(signed(body))).status).toBe(200)
  await billing.outbox.requeue('stripe')
  await billing.deliver()
  expect(billing.billed()).toEqual(['r:cached_input 5', 'r:input~2 10', 'r:output 7'])
})

test('only POST is taken', async () => {
  const billing = await startBilling()
  expect((await billing.webhook()(new Request('https://x'))).status).toBe(405)
})

test('a key that may not read events is said so, without the key, and Stripe comes again', async () => {
  const billing = await startBilling({}, { customers: [], mayReadEvents: false })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const answer = await billing.webhook()(signed(body))
  expect(answer.status).toBe(500)
  expect(billing.errors).toEqual([expect.stringContaining('Events: Read')])
  expect(billing.errors.join() + (await answer.text())).not.toMatch(/SECRET|rk_live/)
})

test('an outbox that fails is our fault: Stripe comes again', async () => {
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const broken = { ...billing.outbox, correct: () => Promise.reject(new Error('disk is full')) }
  expect((await billing.webhook({ outbox: broken })(signed(body))).status).toBe(500)
  expect(billing.errors).toEqual([expect.stringContaining('disk is full')])
  expect((await billing.webhook()(signed(body))).status).toBe(200)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'dead' })
})

test('without a reporter or a listener for errors, the console says it', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors({ samples: 1 })
  const quiet = { onReport: undefined, onError: undefined }
  await billing.webhook(quiet)(signed(body))
  await billing.webhook({ ...quiet, apiKey: 'rk_live_otherSECRET' })(signed(body))
  const lines = warn.mock.calls.join('\n')
  expect(lines).toMatch(/1 records are dead letters; not named: 2 meter_event_customer_not_found/)
  expect(lines).toMatch(/cannot read the event/)
  expect(lines).not.toContain('SECRET')
  warn.mockRestore()
})

test('wrong options are refused at once', () => {
  const outbox = memoryOutbox()
  const apiKey = 'rk_live_1'
  expect(() => meterErrorHandler({ apiKey, outbox, webhookSecret: undefined })).toThrow(ConfigError)
  expect(() => meterErrorHandler({ apiKey, webhookSecret })).toThrow(/meter, or outbox/)
  expect(() => meterErrorHandler({ outbox, webhookSecret })).toThrow(/apiKey/)
  const options = { apiKey, outbox, webhookSecret }
  expect(() => meterErrorHandler({ ...options, toleranceMs: 0 })).toThrow(/toleranceMs/)
})
