import {
  type FakeStripe,
  type ReplayServer,
  startFakeStripe,
  startReplayServer,
} from '@token-meter/testkit'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { signIn, until } from './test-client.ts'
import { chunks } from './test-provider.ts'
import { startBetween, type TestServer } from './test-server.ts'

const secret = 'whsec_verySECRET'

let provider: ReplayServer
let stripe: FakeStripe
let server: TestServer | undefined

beforeEach(async () => {
  provider = await startReplayServer()
  stripe = await startFakeStripe()
})

afterEach(async () => {
  await server?.[Symbol.asyncDispose]()
  await stripe.close()
  await provider.close()
})

/** As Stripe does: without a session, from no page. */
function post(url: string, body: string, signedBy = secret): Promise<Response> {
  const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret: signedBy })
  const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
  return fetch(`${url}/stripe/webhook`, { method: 'POST', headers, body })
}

test('what Stripe cannot bill after all is a dead letter, and the panel says so', async () => {
  server = await startBetween(provider, stripe, undefined, { STRIPE_WEBHOOK_SECRET: secret })
  provider.serve(chunks(['Yes.'], 12, 2))
  const alder = await signIn(server.url, 'alder')
  await alder.ask('Is tea hot?')
  await until(() => stripe.meterEvents.length === 2)
  const left = new AbortController()
  const panel = await alder.get('/usage', left.signal)
  let seen = ''
  const follow = async (): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const bytes of panel.body ?? []) seen += decoder.decode(bytes)
  }
  void follow().catch(() => {})
  await until(() => seen.includes('"undelivered":0,"refused":0'))
  stripe.failEvents(() => true, 'meter_event_customer_not_found', 'The customer does not exist.')
  const [body = ''] = stripe.reportErrors()
  const answer = await post(server.url, body)
  expect([answer.status, await answer.json()]).toMatchObject([200, { deadLetters: 1 }])
  await until(() => seen.includes('"undelivered":0,"refused":1'))
  left.abort()
  expect((await post(server.url, body.replace('evt_', 'evt_other_'))).status).toBe(500)
  expect((await post(server.url, body, 'whsec_other')).status).toBe(400)
  expect(await server.stop()).toBe(0)
  expect(server.output()).toContain('meter_event_customer_not_found')
  expect(server.output()).not.toMatch(/SECRET|rk_live/)
})

test('without the secret there is no webhook', async () => {
  server = await startBetween(provider, stripe)
  expect((await post(server.url, '{}')).status).toBe(404)
})
