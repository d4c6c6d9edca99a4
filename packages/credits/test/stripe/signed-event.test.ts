import Stripe from 'stripe'
import { expect, test } from 'vitest'
import { creditsWebhook } from '../../src/stripe.ts'
import { openShop } from './shop.ts'

test('what Stripe did not sign is refused, and either of two secrets is good', async () => {
  const shop = await openShop()
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'customer.created',
    created: 1,
    data: { object: { id: 'cus_1' } },
  })
  const handle = shop.webhookFor(shop.credits, { webhookSecret: ['whsec_new', 'whsec_old'] })
  const send = async (payload: string, secret: string, secondsAgo = 0) => {
    const timestamp = Math.floor(Date.now() / 1000) - secondsAgo
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })
    const headers = { 'stripe-signature': signature }
    const response = await handle(
      new Request('http://x/', { method: 'POST', headers, body: payload }),
    )
    return [response.status, await response.json()]
  }
  expect(await send(body, 'whsec_new')).toEqual([200, { ignored: 'customer.created' }])
  expect(await send(body, 'whsec_old', 290)).toEqual([200, { ignored: 'customer.created' }])
  expect(await send(body, 'whsec_old', 310)).toEqual([400, { error: 'the signature is too old' }])
  expect(await send(body, 'whsec_else')).toEqual([
    400,
    { error: 'the signature is not that of the webhook secret' },
  ])
  expect(await send('{"object":"list"}', 'whsec_new')).toEqual([
    400,
    { error: 'the body is no event of Stripe' },
  ])
  expect((await handle(new Request('http://x/', { method: 'POST', body }))).status).toBe(400)
  expect((await handle(new Request('http://x/'))).status).toBe(405)
  const long = new Request('http://x/', {
    method: 'POST',
    headers: { 'stripe-signature': `t=1,v1=${'a'.repeat(64)}` },
    body: 'a'.repeat(5 * 1024 * 1024),
  })
  expect(await (await handle(long)).json()).toEqual({
    error: 'the body is too long for an event',
  })
})

test.each([
  [{ webhookSecret: undefined }, /webhookSecret is missing/],
  [{ webhookSecret: [] }, /webhookSecret is missing/],
  [{ webhookSecret: 'sk_test_x' }, /begins with whsec_/],
  [{ graceDays: -1 }, /graceDays/],
  [{ credits: {} }, /credits must be made by createCredits/],
  [{ stripe: {} }, /a client of the package stripe/],
  [{ secret: 'x' }, /secret/],
])('options such as %j are refused', async (change, message) => {
  const shop = await openShop()
  const options = { credits: shop.credits, stripe: shop.stripe, webhookSecret: 'whsec_1' }
  expect(() => creditsWebhook({ ...options, ...(change as object) })).toThrow(message)
})

test('a wrong secret is told, and at most once a minute', async () => {
  const shop = await openShop()
  const handle = shop.webhookFor(shop.credits, { webhookSecret: 'whsec_else' })
  const post = async () => {
    const payload = '{}'
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: 'whsec_1' })
    const headers = { 'stripe-signature': signature }
    return handle(new Request('http://x/', { method: 'POST', headers, body: payload }))
  }
  expect((await post()).status).toBe(400)
  expect((await post()).status).toBe(400)
  expect(shop.errors).toEqual([expect.stringMatching(/not that of the webhook secret.*whsec_/)])
})

test('what is no Request, or was read before, is told and answered 500', async () => {
  const shop = await openShop()
  const handle = shop.webhookFor(shop.credits)
  const incoming = { method: 'POST', headers: {}, body: {} } as unknown as Request
  expect((await handle(incoming)).status).toBe(500)
  expect(shop.errors).toEqual([expect.stringMatching(/not given a web Request/)])
  const read = new Request('http://x/', { method: 'POST', body: '{}' })
  await read.text()
  const other = shop.webhookFor(shop.credits)
  expect((await other(read)).status).toBe(500)
  expect((await other(read)).status).toBe(500)
  expect(shop.errors).toEqual([expect.anything(), expect.stringMatching(/was read before/)])
})
