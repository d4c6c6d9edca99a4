import { batchOf, never, startFakeMetronome } from '@token-meter/testkit'
import { exampleRecord } from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { metronomeSink } from '../src/index.ts'

test('the request, to the letter', async () => {
  const fake = await startFakeMetronome({ now: () => Date.parse('2026-08-24T19:00:00Z') })
  onTestFinished(() => fake.close())
  const { bearerToken, url } = fake
  const at = Date.now()
  const stamp = new Date(at).toISOString()
  const record = exampleRecord({
    id: 'r0',
    customer: 'cus_9s6XKzkNRiz8i3',
    provider: 'anthropic',
    model: 'claude-fable-5',
    tokens: { input: 233, cachedInput: 1459, cachedWrite: 210, output: 83 },
    attributes: { feature: 'search' },
    cost: { currency: 'USD', provider: '0.01', billed: '0.011', source: 'prices' },
    at,
  })
  fake.failWith({ status: 200, body: '' })
  const sink = metronomeSink({ bearerToken, baseUrl: url })
  const free = { ...record, id: 'r1', customer: 'cus_2', attributes: {} }
  const { cost: _, ...unpriced } = free
  await sink.send(batchOf([record, unpriced]), never)
  const [request] = fake.requests
  expect(request).toMatchObject({
    method: 'POST',
    path: '/v1/ingest',
    headers: {
      authorization: `Bearer ${bearerToken}`,
      'content-type': 'application/json',
      'x-stainless-retry-count': '0',
    },
  })
  // Metronome keeps the answer of a key, also of a failure: the transaction id alone has to do.
  expect(request?.headers).not.toHaveProperty('idempotency-key')
  expect(request?.rawBody).toBe(
    `[{"transaction_id":"r0","customer_id":"cus_9s6XKzkNRiz8i3","event_type":"token-billing","timestamp":"${stamp}","properties":{"feature":"search","model":"anthropic/claude-fable-5","provider":"anthropic","input_tokens":233,"cached_input_tokens":1459,"output_tokens":83,"cached_write_tokens":210,"cost":"0.011"}},` +
      `{"transaction_id":"r1","customer_id":"cus_2","event_type":"token-billing","timestamp":"${stamp}","properties":{"model":"anthropic/claude-fable-5","provider":"anthropic","input_tokens":233,"cached_input_tokens":1459,"output_tokens":83,"cached_write_tokens":210}}]`,
  )
})
