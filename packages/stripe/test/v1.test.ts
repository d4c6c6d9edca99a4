import {
  batchOf,
  never,
  recordsOf,
  startFakeStripe,
  statusesOf,
  type FakeStripeOptions,
} from '@token-meter/testkit'
import { parse } from 'node:querystring'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/stripe-sink.ts'

async function start(options: FakeStripeOptions = {}) {
  const fake = await startFakeStripe(options)
  onTestFinished(() => fake.close())
  const { apiKey, url: baseUrl } = fake
  return { fake, sink: stripeSink({ apiKey, baseUrl, api: 'v1', stripeAccount: 'acct_1' }) }
}

function fail(): never {
  throw new Error('there was no request')
}

test('on the wire: a form, whole seconds, the event id as identifier and key', async () => {
  const { fake, sink } = await start()
  const at = Math.floor(Date.now() / 1000) * 1000 + 999
  expect(statusesOf(await sink.send(batchOf(recordsOf(1, { at })), never))).toEqual(['accepted'])
  expect(fake.requestCounts()).toEqual({ v1: 3 })
  expect(fake.concurrency().inOneLane).toBe(1)
  const [{ headers, rawBody } = fail()] = fake.requests
  expect(headers['idempotency-key']).toBe('r0:input')
  expect(headers['stripe-account']).toBe('acct_1')
  expect({ ...parse(rawBody) }).toEqual({
    event_name: 'token-billing-tokens',
    identifier: 'r0:input',
    timestamp: String((at - 999) / 1000),
    'payload[feature]': 'search',
    'payload[model]': 'openai/gpt-5.4',
    'payload[token_type]': 'input',
    'payload[stripe_customer_id]': 'cus_1',
    'payload[value]': '10',
  })
})

test('what v1 only repeats under its key goes again under another', async () => {
  const { fake, sink } = await start()
  const repeated = { status: 500, headers: { 'idempotent-replayed': 'true' } }
  fake.failWith(repeated, { matching: 'r0%3Ainput' })
  expect(statusesOf(await sink.send(batchOf(recordsOf(1)), never))).toEqual(['accepted'])
  const keys = fake.requests
    .filter(({ rawBody }) => rawBody.includes('r0%3Ainput'))
    .map(({ headers }) => headers['idempotency-key'])
  expect(keys).toEqual(['r0:input', expect.stringMatching(/^r0:input~at\d+$/)])
  expect(fake.meterEvents).toHaveLength(3)
})

test('and stays uncertain when that does not help', async () => {
  const { fake, sink } = await start()
  fake.failWith({ status: 500, headers: { 'idempotent-replayed': 'true' } }, { times: 1 })
  fake.failWith({ status: 429 }, { times: Infinity })
  const [result] = await sink.send(batchOf(recordsOf(1)), never)
  expect(result).toMatchObject({ status: 'retry', uncertain: true })
})

test('a refusal that v1 keeps under its key is over once its cause is', async () => {
  const meters: string[] = []
  const { fake, sink } = await start({ meters })
  const batch = batchOf(recordsOf(1))
  expect(statusesOf(await sink.send(batch, never))).toEqual(['rejected'])
  meters.push('token-billing-tokens')
  expect(statusesOf(await sink.send(batch, never))).toEqual(['accepted'])
  expect(fake.meterEvents).toHaveLength(3)
})
