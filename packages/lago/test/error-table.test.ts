import { createMeter, memoryOutbox } from '@token-meter/core'
import { batchOf, never, recordsOf, startFakeLago, type Fault } from '@token-meter/testkit'
import { Client } from 'lago-javascript-client'
import { expect, onTestFinished, test } from 'vitest'
import { lagoSink } from '../src/index.ts'
import { start } from './start.ts'

/** What a sink answers for one record, when Lago or the way to it answers the fault. */
async function resultOf(fault: Fault, isShared: boolean) {
  const fake = await startFakeLago()
  onTestFinished(() => fake.close())
  const { apiKey, url } = fake
  const client = isShared ? Client(apiKey, { baseUrl: `${url}/api/v1` }) : undefined
  const own = client === undefined ? { apiKey, apiUrl: url } : { client }
  const sink = lagoSink({ ...own, checkCodes: false, timeoutMs: 300 })
  fake.failWith(fault, { times: Infinity })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  return { result, fake }
}

const invalid = (details: object): Fault => ({
  status: 422,
  body: {
    status: 422,
    error: 'Unprocessable Entity',
    code: 'validation_errors',
    error_details: details,
  },
})
const soon = { afterMs: 60_000 }

/** The rows of the table in the README. */
const certainRetries: readonly (readonly [string, Fault, object])[] = [
  ['301', { status: 301 }, soon],
  ['400 of a proxy', { status: 400, body: '<html>' }, soon],
  ['401', { status: 401 }, soon],
  ['403', { status: 403 }, soon],
  ['404', { status: 404 }, soon],
  ['404 of a proxy', { status: 404, body: '<html>' }, soon],
  ['405', { status: 405 }, soon],
  ['408', { status: 408 }, {}],
  ['409', { status: 409 }, {}],
  ['422 of a proxy', { status: 422, body: { detail: 'no' } }, soon],
  ['429', { status: 429 }, {}],
  ['429 until', { status: 429, headers: { 'x-ratelimit-reset': '2' } }, { afterMs: 2000 }],
]
const uncertainRetries: readonly (readonly [string, Fault])[] = [
  ['500', { status: 500 }],
  ['502 of a proxy', { status: 502, body: '<html>' }],
  ['503', { status: 503 }],
  ['a cut connection', { connection: 'reset' }],
  ['no answer', { connection: 'hang' }],
  ['not JSON', { status: 200, body: 'oops' }],
  ['nothing', { status: 200, body: '' }],
  ["JSON that is not Lago's", { status: 200, body: { ok: true } }],
  ['null', { status: 200, body: 'null' }],
  ['another event', { status: 200, body: { events: [{ transaction_id: 'r7' }] } }],
  ['no event', { status: 200, body: { events: [] } }],
]
const rejections: readonly (readonly [string, Fault, RegExp])[] = [
  [
    '400',
    { status: 400, body: { status: 400, error: 'BadRequest: param is missing' } },
    /param is/,
  ],
  ['413', { status: 413, body: '<html>' }, /too large for Lago \(413\)/],
  [
    '422 by place',
    invalid({ 0: { code: ['value_is_mandatory'] } }),
    /422.*code value_is_mandatory/,
  ],
  [
    'a duplicate with something else wrong',
    invalid({ 0: { transaction_id: ['value_already_exist'], code: ['value_is_mandatory'] } }),
    /code value_is_mandatory/,
  ],
  ['422 of an expression', invalid({ 0: 'x not found' }), /x not found.*expression/],
  ['422 of the batch', invalid({ events: ['too_many_events'] }), /events too_many_events/],
]

for (const isShared of [false, true]) {
  const whose = isShared ? 'the client of the application' : 'its own client'
  test.each(certainRetries)(`${whose}, %s: kept, not uncertain`, async (_, fault, more) => {
    const { result, fake } = await resultOf(fault, isShared)
    expect(result).toMatchObject({ status: 'retry', reason: expect.stringMatching(/\w/), ...more })
    expect(result).not.toHaveProperty('uncertain')
    expect(fake.requests).toHaveLength(1)
  })

  test.each(uncertainRetries)(`${whose}, %s: kept, may have arrived`, async (_, fault) => {
    const { result, fake } = await resultOf(fault, isShared)
    expect(result).toMatchObject({ status: 'retry', uncertain: true })
    expect(fake.requests).toHaveLength(1)
  })

  test.each(rejections)(`${whose}, %s: a dead letter`, async (_, fault, reason) => {
    const { result } = await resultOf(fault, isShared)
    expect(result).toMatchObject({ status: 'rejected', reason: expect.stringMatching(reason) })
  })
}

test('a version whose answer names no events has taken all of them, if it has as many', async () => {
  const { result } = await resultOf({ status: 200, body: { events: [{}] } }, false)
  expect(result).toEqual({ status: 'accepted' })
})

test('a client that itself retries a 429 is not waited for longer than a request may take', async () => {
  const { fake, apiKey, apiUrl } = await start()
  fake.failWith({ status: 429, headers: { 'x-ratelimit-reset': '30' } }, { times: Infinity })
  const send = (rateLimitRetry: object, timeoutMs: number) => {
    const client = Client(apiKey, { baseUrl: `${apiUrl}/api/v1`, rateLimitRetry })
    return lagoSink({ client, timeoutMs, checkCodes: false }).send(batchOf(recordsOf(1)), never)
  }
  expect(await send({}, 100)).toMatchObject([{ status: 'retry' }])
  const [result] = await send({ maxRetries: 0 }, 2000)
  expect(result).toMatchObject({ status: 'retry', afterMs: 30_000 })
  expect(result).not.toHaveProperty('uncertain')
})

test('where the organization takes fewer requests a second, all arrives once', async () => {
  const { fake, apiKey, apiUrl } = await start({}, { requestsPerSecond: 1 })
  const outbox = memoryOutbox()
  await outbox.append(recordsOf(250))
  const sink = lagoSink({ apiKey, apiUrl, checkCodes: false })
  await using meter = createMeter({ providers: [], outbox, sinks: [sink] })
  await meter.flush({ timeoutMs: 20_000 })
  expect(fake.events).toHaveLength(250)
  expect(await outbox.stats('lago')).toMatchObject({ delivered: 250, dead: 0 })
})
