import { memoryOutbox } from '@token-meter/core'
import { ConfigError } from '@token-meter/core/sink'
import { expect, test } from 'vitest'
import { meterErrorHandler } from '../../src/index.ts'
import { hour, signed, startBilling, webhookSecret } from './billing.ts'

test('any of several secrets is enough, and one that none of them made is not', async () => {
  const billing = await startBilling({}, { customers: [] })
  await billing.add('r')
  await billing.deliver()
  const [body = ''] = billing.fake.reportErrors()
  const secrets = ['whsec_new', webhookSecret]
  const handle = billing.webhook({ webhookSecret: secrets })
  // What the caller does to the list afterwards changes nothing.
  secrets.push('whsec_stranger')
  const stranger = await handle(signed(body, { secret: 'whsec_stranger' }))
  expect(stranger.status).toBe(400)
  expect(await stranger.json()).toEqual({
    error: 'the signature is not that of the webhook secret',
  })
  for (const secret of ['whsec_new', webhookSecret]) {
    const old = await handle(signed(body, { secret, atMs: Date.now() - hour }))
    expect(await old.json()).toEqual({ error: 'the signature is too old' })
  }
  expect(await billing.stateOf('r')).toMatchObject({ state: 'delivered' })
  expect((await handle(signed(body))).status).toBe(200)
  expect((await handle(signed(body, { secret: 'whsec_new' }))).status).toBe(200)
  expect(await billing.stateOf('r')).toMatchObject({ state: 'dead' })
})

test.each([
  '',
  't=,v1=',
  `t=${Math.floor(Date.now() / 1000)},v1=`,
  `t=${Math.floor(Date.now() / 1000)}`,
  `t=${Math.floor(Date.now() / 1000)},v1=zz`,
  `t=soon,v1=${'a'.repeat(64)}`,
  `t=1,t=2,v1=${'a'.repeat(64)}`,
  `v1=${'a'.repeat(64)}`,
  `t=${Math.floor(Date.now() / 1000)},v0=${'a'.repeat(64)}`,
  ',,,',
  '=',
])('a request with the signature "%s" is refused, and is no failure of ours', async (signature) => {
  const billing = await startBilling({}, { customers: [] })
  const handle = billing.webhook()
  const headers = { 'stripe-signature': signature }
  const answer = await handle(
    new Request('http://127.0.0.1/', { method: 'POST', body: '{}', headers }),
  )
  expect(answer.status).toBe(400)
  expect(await answer.json()).toEqual({
    error: 'the Stripe-Signature header is not one of Stripe',
  })
})

test.each([[], '', undefined, [''], ['whsec_1', undefined], 7])(
  'a webhook secret %j is refused',
  (secret) => {
    const options = { apiKey: 'rk_live_1', outbox: memoryOutbox() }
    const make = () => meterErrorHandler({ ...options, webhookSecret: secret as string })
    expect(make).toThrow(ConfigError)
    expect(make).toThrow(/webhookSecret is missing; .*whsec_/)
  },
)
