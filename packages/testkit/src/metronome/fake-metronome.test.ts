import { expect, onTestFinished, test } from 'vitest'
import type { FakeMetronomeOptions } from './fake-metronome-options.ts'
import { startFakeMetronome } from './fake-metronome.ts'

const dayMs = 24 * 60 * 60_000
const now = Date.parse('2026-11-21T10:00:00Z')

async function start(options: FakeMetronomeOptions = {}) {
  const fake = await startFakeMetronome({ now: () => now, ...options })
  onTestFinished(() => fake.close())
  const post = async (body: unknown, headers: Record<string, string> = {}, path = '/v1/ingest') => {
    const response = await fetch(fake.url + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${fake.bearerToken}`,
        'content-type': 'application/json',
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: await response.text() }
  }
  return { fake, post }
}

const tokens = {
  input_tokens: 233,
  cached_input_tokens: 1459,
  output_tokens: 83,
  cached_write_tokens: 0,
}

function event(changes: object = {}) {
  return {
    transaction_id: 't1',
    customer_id: 'cus_1',
    event_type: 'token-billing',
    timestamp: new Date(now).toISOString(),
    properties: { model: 'anthropic/claude-fable-5', provider: 'anthropic', ...tokens },
    ...changes,
  }
}

test('success is an empty 200, and what is billed can be seen', async () => {
  const { fake, post } = await start()
  expect(await post([event()])).toEqual({ status: 200, body: '' })
  const row = { customer: 'cus_1', provider: 'anthropic', model: 'anthropic/claude-fable-5' }
  expect(fake.billed()).toEqual([
    { ...row, tokenType: 'input', value: 233 },
    { ...row, tokenType: 'cached_input', value: 1459 },
    { ...row, tokenType: 'output', value: 83 },
  ])
})

test('a transaction id that it has is ignored without a word, for 34 days', async () => {
  let at = now
  const { fake, post } = await start({ now: () => at })
  await post([event(), event()])
  at += 34 * dayMs - 1
  expect((await post([event({ timestamp: new Date(at).toISOString() })])).status).toBe(200)
  expect(fake.events).toHaveLength(1)
  expect(fake.duplicates).toBe(2)
  at += 1
  await post([event({ timestamp: new Date(at).toISOString() })])
  expect(fake.events).toHaveLength(2)
})

const bad: readonly (readonly [string, unknown, RegExp])[] = [
  ['no JSON', 'oops', /must be array/],
  ['an object', { usage: [event()] }, /must be array/],
  ['nothing', [], /fewer than 1/],
  ['101 events', Array.from({ length: 101 }, () => event()), /more than 100/],
  ['text', ['event'], /\[0\] must be object/],
  ['no transaction id', [event(), event({ transaction_id: undefined })], /\[1\].*transaction_id/],
  ['a customer that is a number', [event({ customer_id: 5 })], /customer_id must be string/],
  ['no event type', [event({ event_type: '' })], /event_type/],
  ['unix seconds', [event({ timestamp: '1764000000' })], /date-time/],
  ['a day alone', [event({ timestamp: '2026-11-21' })], /date-time/],
  ['a year of five digits', [event({ timestamp: '+012026-11-21T10:00:00Z' })], /date-time/],
  ['34 days ago', [event({ timestamp: new Date(now - 34 * dayMs - 1).toISOString() })], /34 days/],
  ['24 hours ahead', [event({ timestamp: new Date(now + dayMs + 1).toISOString() })], /24 hours/],
  ['properties in a list', [event({ properties: [] })], /properties/],
]

test.each(bad)('%s: the whole request is refused', async (_, body, message) => {
  const { fake, post } = await start()
  const answer = await post(body)
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body)).toEqual({ message: expect.stringMatching(message) })
  expect(fake.events).toEqual([])
})

test('the token, its scope, the path, the type and the rate are looked at', async () => {
  const { post } = await start({ eventsPerSecond: 1 })
  expect((await post([event()], { authorization: 'Bearer other' })).status).toBe(401)
  expect((await post([event()], {}, '/ingest')).status).toBe(404)
  expect((await post([event()], { 'content-type': 'text/plain' })).status).toBe(415)
  expect((await post([event(), event()])).status).toBe(429)
  expect((await post([event()])).status).toBe(200)
  const weak = await start({ mayIngest: false })
  expect((await weak.post([event()])).status).toBe(403)
})

test('an unknown customer or type is accepted, and billed when it is made', async () => {
  const { fake, post } = await start({ customers: ['cus_2'], eventTypes: [] })
  expect((await post([event()])).status).toBe(200)
  expect(fake.billed()).toEqual([])
  expect(fake.unmatched).toHaveLength(1)
  fake.addCustomer('cus_1')
  expect(fake.unmatched).toHaveLength(1)
  fake.addEventType('token-billing')
  expect(fake.unmatched).toEqual([])
  expect(fake.billed()).toHaveLength(3)
})

test('costs are summed exactly, per customer and model', async () => {
  const { fake, post } = await start()
  const costs = ['0.1', '0.2', '0.000000001', undefined]
  await post(
    costs.map((cost, index) =>
      event({ transaction_id: `t${index}`, properties: { model: 'm', ...(cost && { cost }) } }),
    ),
  )
  expect(fake.billedCosts()).toEqual([{ customer: 'cus_1', model: 'm', cost: '0.300000001' }])
  expect(fake.billed()).toEqual([])
})

test('faults happen with and without effect', async () => {
  const { fake, post } = await start()
  fake.failWith({ status: 503, headers: { 'retry-after': '2' } })
  fake.failWith({ connection: 'reset', processed: true })
  expect((await post([event()])).status).toBe(503)
  expect(fake.events).toHaveLength(0)
  await expect(post([event()])).rejects.toThrow()
  expect(fake.events).toHaveLength(1)
  fake.failWith({ status: 500 }, { times: Infinity })
  fake.recover()
  expect((await post([event()])).status).toBe(200)
  expect(fake.requests.map(({ status }) => status)).toEqual([503, undefined, 200])
})
