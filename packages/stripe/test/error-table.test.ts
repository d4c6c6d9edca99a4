import { type Fault, batchOf, never, recordsOf, startFakeStripe } from '@token-meter/testkit'
import Stripe from 'stripe'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/stripe-sink.ts'
import type { StripeApi } from '../src/options.ts'

const apis = ['v1', 'v2', 'stream'] as const
const paths = { v1: '/v1/billing/meter_events', v2: '/v2/billing/meter_events', stream: '_stream' }
const one = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }

/** What a sink answers for one event, when Stripe or the way to it answers the fault. */
async function resultOf(api: StripeApi, fault: Fault, isShared: boolean) {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  const { apiKey, url: baseUrl, host, port } = fake
  const stripe = isShared
    ? new Stripe(apiKey, { host, port, protocol: 'http', maxNetworkRetries: 3 })
    : undefined
  const client = stripe === undefined ? { apiKey, baseUrl } : { stripe }
  const sink = stripeSink({ api, timeoutMs: 300, ...client })
  fake.failWith(fault, { times: Infinity, to: paths[api] })
  const [result] = await sink.send(batchOf(recordsOf(1, { tokens: one })), never)
  return { result, fake }
}

const error = (status: number, body: object, headers: Record<string, string> = {}): Fault => ({
  status,
  headers,
  body: { error: body },
})
const reason = (text: string) => ({ 'stripe-rate-limited-reason': text })

/** The rows of the table in the README. */
const certainRetries: readonly (readonly [string, Fault, object])[] = [
  ['401', { status: 401 }, { afterMs: 60_000 }],
  ['403', { status: 403 }, { afterMs: 60_000 }],
  ['409', error(409, { code: 'too_many_concurrent_requests', message: 'x' }), {}],
  ['429, a lock', { status: 429 }, {}],
  ['429 of v2', error(429, { type: 'rate_limit', message: 'x' }), {}],
  ['429 global-rate', { status: 429, headers: reason('global-rate') }, {}],
  ['429 global-concurrency', { status: 429, headers: reason('global-concurrency') }, {}],
  ['429 endpoint-rate', { status: 429, headers: reason('endpoint-rate') }, {}],
  ['429 endpoint-concurrency', { status: 429, headers: reason('endpoint-concurrency') }, {}],
  ['429 resource-specific', { status: 429, headers: reason('resource-specific') }, {}],
  ['429 until', { status: 429, headers: { 'retry-after': '2' } }, { afterMs: 2000 }],
]
const uncertainRetries: readonly (readonly [string, Fault])[] = [
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['500 that is not to be retried', { status: 500, headers: { 'stripe-should-retry': 'false' } }],
  ['a cut connection', { connection: 'reset' }],
  ['no answer', { connection: 'hang' }],
  ['not JSON', { status: 200, body: 'oops' }],
  ['nothing', { status: 200, body: '' }],
  ["JSON that is not Stripe's", { status: 200, body: { ok: true } }],
  ["a proxy's JSON", { status: 502, body: { message: 'Bad gateway' } }],
]
const rejections: readonly (readonly [string, Fault, RegExp])[] = [
  ['no_meter', error(400, { code: 'no_meter', message: 'No meter.' }), /no_meter.*Create a meter/],
  ['archived_meter', error(400, { code: 'archived_meter', message: 'x' }), /Reactivate the meter/],
  ['a value', error(400, { code: 'payload_invalid_value', message: 'x' }), /payload_invalid_value/],
  ['a timestamp', error(400, { type: 'invalid_request_error', message: 'too old' }), /too old/],
  ['other contents', error(400, { type: 'idempotency_error', message: 'x' }), /other contents/],
  ['422', error(422, { message: 'x' }), /422/],
]
const duplicates: readonly (readonly [string, Fault])[] = [
  ['of v2', error(400, { code: 'duplicate_meter_event', message: 'x' })],
  ['of v1', error(400, { message: 'An event already exists with identifier r0:input.' })],
]

for (const api of apis) {
  test.each(certainRetries)(`${api}: %s is kept, and did not arrive`, async (_, fault, more) => {
    const { result } = await resultOf(api, fault, false)
    expect(result).toMatchObject({ status: 'retry', reason: expect.stringMatching(/\w/), ...more })
    expect(result).not.toHaveProperty('uncertain')
  })

  test.each(uncertainRetries)(`${api}: %s is kept, and may have arrived`, async (_, fault) => {
    const { result } = await resultOf(api, fault, false)
    expect(result).toMatchObject({ status: 'retry', uncertain: true })
  })

  test.each(rejections)(`${api}: %s is a dead letter that says why`, async (_, fault, why) => {
    const { result } = await resultOf(api, fault, false)
    expect(result).toMatchObject({ status: 'rejected', reason: expect.stringMatching(why) })
  })

  test.each(duplicates)(`${api}: a duplicate %s is delivered`, async (_, fault) => {
    expect((await resultOf(api, fault, false)).result).toEqual({ status: 'accepted' })
  })

  test.each([409, 429, 500])(
    `${api}: a client of the application asks once for %i`,
    async (status) => {
      const { result, fake } = await resultOf(api, { status }, true)
      expect(result).toMatchObject({ status: 'retry' })
      expect(fake.requestCounts()[api]).toBe(1)
    },
  )
}
