import { batchOf, exampleRecord, never, startFakeStripe } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/index.ts'

/** As Stripe's own packages and the gateways send it, and as its token meters read it. */
test('the event of a sink without options, to the letter', async () => {
  const fake = await startFakeStripe()
  onTestFinished(() => fake.close())
  const record = exampleRecord({
    id: '019a2f3c-1f2e-7c4d-9b1a-3f5e7d9c1b2a',
    customer: 'cus_9s6XKzkNRiz8i3',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    tokens: { input: 1500, cachedInput: 0, cachedWrite: 0, output: 0 },
    attributes: {},
    at: Date.now(),
  })
  const sink = stripeSink({ apiKey: fake.apiKey, baseUrl: fake.url })
  expect(await sink.send(batchOf([record]), never)).toEqual([{ status: 'accepted' }])
  expect(fake.requests).toHaveLength(1)
  expect(fake.requests[0]).toMatchObject({ method: 'POST', path: '/v2/billing/meter_events' })
  expect(JSON.parse(fake.requests[0]?.rawBody ?? '')).toEqual({
    event_name: 'token-billing-tokens',
    identifier: '019a2f3c-1f2e-7c4d-9b1a-3f5e7d9c1b2a:input',
    timestamp: new Date(record.at).toISOString(),
    payload: {
      stripe_customer_id: 'cus_9s6XKzkNRiz8i3',
      value: '1500',
      token_type: 'input',
      model: 'anthropic/claude-sonnet-5',
    },
  })
})
