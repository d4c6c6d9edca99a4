import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FakeOpenMeterOptions } from './fake-open-meter-options.ts'
import { startFakeOpenMeter, type FakeOpenMeter } from './fake-open-meter.ts'

const start = Date.parse('2026-11-21T00:00:00Z')
const hour = 3_600_000
let now = start
let fake: FakeOpenMeter
beforeEach(async () => {
  now = start
  fake = await startFakeOpenMeter({ now: () => now })
})
afterEach(() => fake.close())

async function restart(options: FakeOpenMeterOptions) {
  await fake.close()
  fake = await startFakeOpenMeter({ now: () => now, ...options })
}

function event(changes: Record<string, unknown> = {}) {
  return {
    specversion: '1.0',
    id: 'r1:input',
    source: 'app',
    type: 'tokens',
    subject: 'cus_1',
    time: '2026-11-21T00:00:00.000Z',
    data: { tokens: 5, model: 'openai/gpt-5.4', type: 'input' },
    ...changes,
  }
}

async function post(
  body: unknown,
  headers: Record<string, string> = {},
  path = '/api/v1/events',
  method = 'POST',
) {
  const response = await fetch(`${fake.url}${path}`, {
    method,
    ...(method === 'POST' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: {
      authorization: `Bearer ${fake.apiKey}`,
      'content-type': 'application/cloudevents-batch+json',
      ...headers,
    },
  })
  const text = await response.text()
  const answer = text.startsWith('{') ? JSON.parse(text) : text
  return { status: response.status, type: response.headers.get('content-type'), text, answer }
}

test('a batch is answered with nothing, logged and counted', async () => {
  const sent = [event(), event({ id: 'r2:input' })]
  expect(await post(sent)).toMatchObject({ status: 204, text: '' })
  expect(fake.requests).toMatchObject([{ path: '/api/v1/events', status: 204 }])
  expect(fake.events).toEqual(sent)
  expect(fake.billed()).toEqual([
    { customer: 'cus_1', model: 'openai/gpt-5.4', tokenType: 'input', value: 10 },
  ])
})

test('v3 has another path and answers 202', async () => {
  await restart({ api: 'v3' })
  expect((await post([event()], {}, '/v3/openmeter/events')).status).toBe(202)
  expect((await post([event()])).status).toBe(404)
})

test('content types: a batch, one event, or either', async () => {
  const type = (value: string) => ({ 'content-type': value })
  expect((await post(event(), type('application/cloudevents+json'))).status).toBe(204)
  expect((await post([event()], type('application/json'))).status).toBe(204)
  expect((await post(event(), type('application/json'))).status).toBe(204)
  expect((await post(event())).status).toBe(400)
  expect((await post([event()], type('text/plain'))).status).toBe(400)
  expect((await post('{')).status).toBe(400)
})

test('one known source and id is ignored, with the same answer, for as long as the window', async () => {
  await post([event()])
  now += 23 * hour
  expect((await post([event({ data: { tokens: 7 } })])).status).toBe(204)
  expect((await post([event({ source: 'other' })])).status).toBe(204)
  expect(fake.events).toHaveLength(2)
  expect(fake.duplicates()).toBe(1)
  now += hour
  await post([event()])
  expect(fake.events).toHaveLength(3)
  await restart({ duplicateWindowMs: 0 })
  await post([event()])
  await post([event()])
  expect(fake.events).toHaveLength(2)
})

test.each([
  ['id', { id: '' }],
  ['id', { id: undefined }],
  ['id', { id: 7 }],
  ['source', { source: '' }],
  ['source', { source: 'my app' }],
  ['specversion', { specversion: '0.3' }],
  ['type', { type: '' }],
  ['subject', { subject: '' }],
  ['time', { time: '2026-11-21' }],
  ['time', { time: '+010000-01-01T00:00:00.000Z' }],
  ['time', { time: 1_764_000_000 }],
  ['data', { data: [] }],
  ['data', { data: 'text' }],
])('a wrong %s refuses the whole batch: %j', async (name, changes) => {
  const { status, type, answer } = await post([event({ id: 'good' }), event(changes)])
  expect(status).toBe(400)
  expect(type).toBe('application/problem+json')
  expect(answer).toMatchObject({ status: 400, title: 'Bad Request' })
  expect(answer.detail).toContain(`/1/${name}"`)
  expect(fake.events).toEqual([])
})

test('without a time an event has that of its arrival', async () => {
  await post([event({ time: undefined })])
  expect(fake.events).toMatchObject([{ time: '2026-11-21T00:00:00.000Z' }])
})

test('keys: unknown is 401, without the role is 403, self-hosted asks for none', async () => {
  const wrong = await post([event()], { authorization: 'Bearer om_wrong' })
  expect(wrong).toMatchObject({ status: 401, answer: { title: 'Unauthorized' } })
  await restart({ mayIngest: false })
  expect((await post([event()])).status).toBe(403)
  await restart({ apiKey: null })
  expect((await post([event()])).status).toBe(204)
})

test('a server can fail in the middle of a batch', async () => {
  fake.failAfter(1)
  const sent = [event({ id: 'a' }), event({ id: 'b' })]
  expect((await post(sent)).status).toBe(500)
  expect(fake.events.map(({ id }) => id)).toEqual(['a'])
  expect((await post(sent)).status).toBe(204)
  expect(fake.events.map(({ id }) => id)).toEqual(['a', 'b'])
})

test('faults: statuses, cut connections, lost answers, and bodies that are too large', async () => {
  fake.failWith({ status: 429, headers: { 'retry-after': '3' } })
  expect(await post([event()])).toMatchObject({ status: 429, type: 'application/problem+json' })
  fake.failWith({ status: 200, body: 'oops' })
  expect((await post([event()])).text).toBe('oops')
  fake.failWith({ connection: 'reset' })
  await expect(post([event()])).rejects.toThrow()
  expect(fake.events).toEqual([])
  fake.failWith({ connection: 'reset', processed: true })
  await expect(post([event()])).rejects.toThrow()
  expect(fake.events).toHaveLength(1)
  fake.failWith({ status: 500 }, { times: Infinity })
  expect((await post([event()])).status).toBe(500)
  fake.recover()
  await restart({ maxBodyBytes: 10 })
  expect((await post([event()])).status).toBe(413)
})

test('other paths and methods are unknown', async () => {
  expect((await post([], {}, '/api/v1/meters')).status).toBe(404)
  expect((await post([], {}, '/api/v1/events', 'GET')).status).toBe(405)
})

test('meters: numbers and texts add up exactly, by subject and group; others are left out', async () => {
  const data = (value: unknown, model = 'm') => ({ data: { cost: value, model } })
  await post([
    event({ id: '1', ...data('0.1') }),
    event({ id: '2', ...data(0.2) }),
    event({ id: '3', ...data('0.000000000000000000001') }),
    event({ id: '4', ...data('0.1', 'n') }),
    event({ id: '5', ...data('1e-7') }),
    event({ id: '6', ...data(undefined) }),
    event({ id: '7', subject: 'cus_2', ...data('-1') }),
    event({ id: '8', type: 'other', ...data('9') }),
  ])
  const meter = { eventType: 'tokens', valueProperty: '$.cost', groupBy: { model: '$.model' } }
  expect(fake.query(meter)).toEqual([
    { subject: 'cus_1', groups: { model: 'm' }, value: '0.300000000000000000001' },
    { subject: 'cus_1', groups: { model: 'n' }, value: '0.1' },
    { subject: 'cus_2', groups: { model: 'm' }, value: '-1' },
  ])
  expect(fake.costs()).toContainEqual({ customer: 'cus_1', model: 'm', cost: '9' })
})
