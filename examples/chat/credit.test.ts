import { type ReplayServer, startFakeStripe, startReplayServer } from '@token-meter/testkit'
import Stripe from 'stripe'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { billedBy } from './test-bill.ts'
import { signIn, until } from './test-client.ts'
import { chunks } from './test-provider.ts'
import { startBetween, startChat } from './test-server.ts'

let provider: ReplayServer

beforeEach(async () => {
  provider = await startReplayServer()
})

afterEach(async () => {
  await provider.close()
})

/** The server with a Stripe of its own, which has a page to pay on. */
const startWithCheckout = () =>
  startChat({ OPENAI_API_KEY: 'sk-secret', OPENAI_BASE_URL: `${provider.url}/v1` })

test('what credit cannot pay is not sent; a pack that is paid twice is one, and the chat goes on', async () => {
  await using server = await startWithCheckout()
  provider.serve(chunks(['Tea', ' is', ' hot.'], 100, 780), { times: Infinity })
  const cedar = await signIn(server.url, 'cedar')
  const panel = await cedar.follow('/usage')
  await until(() => panel.text().includes('event: balance\ndata: {"left":"0.01"}'))

  expect(await cedar.ask('Is tea hot?')).toBe('Tea is hot.')
  await until(() => panel.text().includes('"left":"0.002"'))
  const refused = await cedar.post('Is coffee hot?')
  expect(refused.status).toBe(402)
  expect(await refused.json()).toMatchObject({
    code: 'insufficient_credits',
    available: '0.002',
  })
  expect(provider.requests).toHaveLength(1)

  const toPay = await cedar.press('/top-up')
  expect(toPay.status).toBe(303)
  const checkout = toPay.headers.get('location') ?? ''
  expect(await (await cedar.get(checkout)).text()).toContain('$5.00 of credit')
  for (let pressed = 0; pressed < 2; pressed++) {
    const paid = await cedar.press(checkout)
    expect(paid.headers.get('location')).toBe(`${server.url}/paid.html`)
  }
  await until(() => panel.text().includes('"left":"5.002"'))
  expect(panel.text()).toMatch(/event: granted\ndata: \{.*"amount":"5"/)
  expect(await cedar.ask('Is coffee hot?')).toBe('Tea is hot.')
  await until(() => panel.text().includes('"left":"4.994"'))
  expect(panel.text()).not.toContain('"left":"10.')
  panel.leave()
  expect(await server.stop()).toBe(0)
  expect(server.output()).toContain('Cedar Market (cus_cedar): 1760 tokens, paid from credit')
  expect(server.output()).not.toContain('no answer')
})

test('who pays as they go is refused nothing, and can buy nothing for others', async () => {
  await using server = await startWithCheckout()
  provider.serve(chunks(['Yes.'], 100, 780), { times: Infinity })
  const birch = await signIn(server.url, 'birch')
  const panel = await birch.follow('/usage')
  for (let asked = 0; asked < 3; asked++) expect(await birch.ask('Is tea hot?')).toBe('Yes.')
  await until(() => panel.text().includes('"answers":3'))
  expect(panel.text()).not.toContain('event: balance')
  panel.leave()
  const nobody = await signIn(server.url, 'oak')
  expect((await nobody.press('/top-up')).status).toBe(401)
})

test('at a real Stripe it sells the price that the environment names, and is billed for no token of it', async () => {
  await using stripe = await startFakeStripe()
  const { apiKey, host, port } = stripe
  const client = new Stripe(apiKey, { host, port, protocol: 'http', telemetry: false })
  const { id: product } = await client.products.create({ name: 'Credit' })
  const pack = { product, currency: 'eur', unit_amount: 900, metadata: { token_meter_usd: '10' } }
  const { id: price } = await client.prices.create(pack)
  const secret = 'whsec_verySECRET'
  await using server = await startBetween(provider, stripe, undefined, {
    TOKEN_METER_CHAT_PACK: price,
    STRIPE_CREDITS_WEBHOOK_SECRET: secret,
  })
  provider.serve(chunks(['Yes.'], 100, 500), { times: Infinity })
  const cedar = await signIn(server.url, 'cedar')
  const panel = await cedar.follow('/usage')
  const toPay = await cedar.press('/top-up')
  expect(toPay.headers.get('location')).toMatch(/^https:\/\/checkout\.stripe\.com\//)

  const [session] = (await client.checkout.sessions.list()).data
  expect(session).toMatchObject({ customer: 'cus_cedar', amount_total: 900 })
  const tell = (signedBy: string) => {
    const data = { object: { id: session?.id, object: 'checkout.session' } }
    const event = { id: 'evt_1', object: 'event', type: 'checkout.session.completed', created: 1 }
    const payload = JSON.stringify({ ...event, data })
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: signedBy })
    const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
    return fetch(`${server.url}/stripe/credits`, { method: 'POST', headers, body: payload })
  }
  // What the browser says of it counts for nothing, and what others say neither.
  expect((await tell(secret)).status).toBe(200)
  stripe.billing.completeCheckout(session?.id ?? '')
  expect((await tell('whsec_other')).status).toBe(400)
  expect(panel.text()).not.toContain('event: granted')
  expect((await tell(secret)).status).toBe(200)
  await until(() => panel.text().includes('"left":"10.01"'))
  panel.leave()

  const birch = await signIn(server.url, 'birch')
  expect(await cedar.ask('Is tea hot?')).toBe('Yes.')
  expect(await birch.ask('Is tea hot?')).toBe('Yes.')
  expect(await server.stop()).toBe(0)
  expect(billedBy(stripe)).toEqual({
    'cus_birch openai/gpt-5.4-mini input': 100,
    'cus_birch openai/gpt-5.4-mini output': 500,
  })
  expect(server.output()).not.toMatch(/SECRET|rk_live/)
})

test('a price that sells no credit ends the start with what to do about it', async () => {
  await using stripe = await startFakeStripe()
  const { apiKey, host, port } = stripe
  const client = new Stripe(apiKey, { host, port, protocol: 'http', telemetry: false })
  const { id: product } = await client.products.create({ name: 'Credit' })
  const { id: price } = await client.prices.create({ product, currency: 'eur', unit_amount: 900 })
  const starting = startBetween(provider, stripe, undefined, {
    TOKEN_METER_CHAT_PACK: price,
    STRIPE_CREDITS_WEBHOOK_SECRET: 'whsec_1',
  })
  await expect(starting).rejects.toThrow(/sells no credit.+token_meter_usd/s)
})
