import { expect, test } from 'vitest'
import { classifyError, isReplay, type StripeFailure } from './classify-error.ts'

const now = Date.parse('2026-11-21T00:00:00Z')
const rate = (reason: string) => ({ 'stripe-rate-limited-reason': reason })

test.each([
  ['v2 duplicate', { statusCode: 400, code: 'duplicate_meter_event', message: 'x' }],
  [
    'v1 duplicate',
    { statusCode: 400, message: 'An event already exists with identifier r:input.' },
  ],
])('%s is accepted', (_, error) => {
  expect(classifyError(error, now)).toEqual({ status: 'accepted' })
})

test.each([
  ['no connection', 'backend', { message: 'An error occurred with our connection to Stripe.' }],
  ['invalid JSON', 'backend', { message: 'Invalid JSON received from the Stripe API' }],
  ['500', 'backend', { statusCode: 500 }],
  ['503', 'backend', { statusCode: 503 }],
  [
    '500 not to be retried',
    'backend',
    { statusCode: 500, headers: { 'stripe-should-retry': 'false' } },
  ],
  ['409', 'event', { statusCode: 409, code: 'too_many_concurrent_requests' }],
  ['408', 'event', { statusCode: 408 }],
  ['302', 'backend', { statusCode: 302 }],
  ['400 to be retried', 'event', { statusCode: 400, headers: { 'stripe-should-retry': 'true' } }],
  ['429 of a lock', 'event', { statusCode: 429 }],
  ['429 of one object', 'event', { statusCode: 429, headers: rate('resource-specific') }],
  ['429 of the account', 'backend', { statusCode: 429, headers: rate('global-rate') }],
  ['429 of the endpoint', 'backend', { statusCode: 429, headers: rate('endpoint-concurrency') }],
  [
    '429 of the account until then',
    'account',
    { statusCode: 429, headers: { ...rate('global-rate'), 'retry-after': '2' } },
  ],
])('%s is a retry that reaches the %s', (_, scope, error) => {
  expect(classifyError(error, now)).toMatchObject({ status: 'retry', scope })
})

test.each([401, 403])('a %i is a retry in a minute, and names the permission', (statusCode) => {
  expect(classifyError({ statusCode, message: 'No.' }, now)).toMatchObject({
    status: 'retry',
    scope: 'account',
    afterMs: 60_000,
    reason: expect.stringContaining('"Billing meter events: Write"'),
  })
})

test.each([
  [{ statusCode: 400, code: 'payload_invalid_value' }, 'payload_invalid_value'],
  [{ statusCode: 400, code: 'no_meter' }, 'Create a meter'],
  [{ statusCode: 400, rawType: 'idempotency_error' }, 'other contents'],
  [{ statusCode: 400, message: 'The timestamp must be ...' }, 'The timestamp must be'],
  [{ statusCode: 404 }, '404'],
  [{ statusCode: 422 }, '422'],
])('%j is rejected, saying why', (error, why) => {
  const outcome = classifyError(error, now)
  expect(outcome).toMatchObject({ status: 'rejected', reason: expect.stringContaining(why) })
})

test.each([
  [
    { statusCode: 400, code: 'other', message: 'No.' },
    'Stripe refused it (400 other): No.',
    'other',
  ],
  [{ statusCode: 404, message: 'No.' }, 'Stripe refused it (404): No.', 'refused'],
])('a refusal without a hint ends with what Stripe said: %j', (error, reason, code) => {
  expect(classifyError(error, now)).toEqual({ status: 'rejected', reason, code })
})

test.each<[string, StripeFailure]>([
  ['no answer in time', { message: 'Request aborted due to timeout being scopeed (300ms)' }],
  ['a cut connection', { detail: { code: 'ECONNRESET' } }],
  ['a cut connection of fetch', { detail: { cause: { code: 'UND_ERR_SOCKET' } } }],
  ['a timeout on an open connection', { detail: { code: 'ETIMEDOUT', syscall: 'read' } }],
  ['invalid JSON', { message: 'Invalid JSON received from the Stripe API' }],
  ['500', { statusCode: 500 }],
  ['503', { statusCode: 503, headers: { 'stripe-should-retry': 'true' } }],
  ['302', { statusCode: 302 }],
  ['302 to be retried', { statusCode: 302, headers: { 'stripe-should-retry': 'true' } }],
])('%s is uncertain: it may have arrived', (_, error) => {
  expect(classifyError(error, now)).toMatchObject({ status: 'retry', uncertain: true })
})

test.each<[string, StripeFailure]>([
  ['a refused connection', { detail: { code: 'ECONNREFUSED' } }],
  ['a refused connection of fetch', { detail: { cause: { code: 'ECONNREFUSED' } } }],
  ['an unknown host', { detail: { cause: { code: 'ENOTFOUND' } } }],
  ['no connection in time', { detail: { cause: { code: 'UND_ERR_CONNECT_TIMEOUT' } } }],
  ['no route', { detail: { cause: { code: 'EHOSTUNREACH', syscall: 'connect' } } }],
  ['a wrong certificate', { detail: { cause: { code: 'CERT_HAS_EXPIRED' } } }],
  ['401', { statusCode: 401 }],
  ['403', { statusCode: 403 }],
  ['408', { statusCode: 408 }],
  ['409', { statusCode: 409 }],
  ['429', { statusCode: 429 }],
  ['429 of the account', { statusCode: 429, headers: rate('global-rate') }],
  ['400 to be retried', { statusCode: 400, headers: { 'stripe-should-retry': 'true' } }],
])('%s certainly had no effect', (_, error) => {
  const outcome = classifyError(error, now)
  expect(outcome.status).toBe('retry')
  expect(outcome).not.toHaveProperty('uncertain')
})

test('Retry-After counts for every retry but that of a wrong key', () => {
  const headers = { 'retry-after': '3' }
  for (const statusCode of [409, 429, 500, 503]) {
    expect(classifyError({ statusCode, headers }, now)).toMatchObject({ afterMs: 3000 })
  }
  expect(classifyError({ statusCode: 401, headers }, now)).toMatchObject({ afterMs: 60_000 })
})

test.each([
  ['global-rate', 'rate'],
  ['endpoint-rate', 'rate'],
  ['some-new-reason', 'rate'],
  ['global-concurrency', 'concurrency'],
  ['endpoint-concurrency', 'concurrency'],
  ['resource-specific', undefined],
])('a 429 for %s slows down: %s', (reason, limit) => {
  const outcome = classifyError({ statusCode: 429, headers: rate(reason) }, now)
  expect(outcome).toMatchObject({ status: 'retry', reason: expect.stringContaining(reason) })
  expect(outcome.status === 'retry' ? outcome.limit : 'none').toBe(limit)
})

test('an answer that Stripe only repeats is known as such', () => {
  expect(isReplay({ statusCode: 500, headers: { 'idempotent-replayed': 'true' } })).toBe(true)
  expect(isReplay({ statusCode: 500 })).toBe(false)
})
