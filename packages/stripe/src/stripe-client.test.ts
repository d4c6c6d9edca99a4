import { ConfigError } from '@token-meter/core/sink'
import { afterEach, expect, test, vi } from 'vitest'
import Stripe from 'stripe'
import { stripeSink } from './stripe-sink.ts'
import { createStripeClient } from './stripe-client.ts'
import { version } from './version.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const event = { event_name: 'tokens', payload: { stripe_customer_id: 'cus_1', value: '1' } }

/** A global fetch that answers every request, and remembers it. */
function stubFetch() {
  const stub = vi.fn(async (_url: string, _init: RequestInit) => Response.json({ object: 'x' }))
  vi.stubGlobal('fetch', stub)
  return stub
}

test.each([
  [undefined, 'https://api.stripe.com'],
  ['http://127.0.0.1:12111', 'http://127.0.0.1:12111'],
  ['http://stripe-fake/', 'http://stripe-fake'],
  ['https://stripe.example', 'https://stripe.example'],
])('with baseUrl %s requests go to %s', async (baseUrl, origin) => {
  const fetched = stubFetch()
  await createStripeClient('rk_live_1', baseUrl).stripe.v2.billing.meterEvents.create(event)
  const url = new URL(fetched.mock.calls[0]?.[0] ?? '')
  expect(url.origin).toBe(origin)
  expect(url.pathname).toBe('/v2/billing/meter_events')
})

test('requests say who sends them, and nothing of earlier ones', async () => {
  const fetched = stubFetch()
  const { stripe } = createStripeClient('rk_live_1', undefined)
  for (let count = 0; count < 2; count++) await stripe.v2.billing.meterEvents.create(event)
  const headers = new Headers(fetched.mock.calls[1]?.[1]?.headers)
  expect(headers.get('user-agent')).toContain(`token-meter/${version}`)
  expect(headers.get('x-stripe-client-telemetry')).toBeNull()
})

test.each(['127.0.0.1:12111', 'ftp://stripe', 'http://127.0.0.1/v2', 'nonsense'])(
  'baseUrl %s is refused',
  (baseUrl) => {
    expect(() => createStripeClient('rk_live_1', baseUrl)).toThrow(ConfigError)
  },
)

test('a request ends with its own signal, and leaves no listener on it', async () => {
  const hanging = async (_url: string, { signal }: RequestInit) => {
    signal?.throwIfAborted()
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }
  vi.stubGlobal('fetch', hanging)
  const { stripe, during } = createStripeClient('rk_live_1', undefined)
  const controller = new AbortController()
  const removed = vi.spyOn(controller.signal, 'removeEventListener')
  const request = during('key-1', controller.signal, () =>
    stripe.v2.billing.meterEvents.create(event, { idempotencyKey: 'key-1' }),
  )
  controller.abort(new Error('enough'))
  await expect(request).rejects.toThrow()
  expect(removed).toHaveBeenCalledTimes(1)
})

test('the stream goes to baseUrl too', async () => {
  const fetched = stubFetch()
  const { stripe } = createStripeClient('rk_live_1', 'http://127.0.0.1:12111')
  await stripe.v2.billing.meterEventStream.create({ events: [event] })
  expect(fetched.mock.calls[0]?.[0]).toBe('http://127.0.0.1:12111/v2/billing/meter_event_stream')
})

test('sinks for many connected accounts share one client, and leave it as it was', async () => {
  const stripe = new Stripe('sk_live_1')
  const [on, off] = [vi.spyOn(stripe, 'on'), vi.spyOn(stripe, 'off')]
  const sinks = Array.from({ length: 20 }, (_, index) =>
    stripeSink({ stripe, stripeAccount: `acct_${index}`, api: index % 2 ? 'v2' : 'stream' }),
  )
  expect(on).toHaveBeenCalledTimes(1)
  for (const sink of sinks.slice(1)) await sink.close?.()
  expect(off).not.toHaveBeenCalled()
  await sinks[0]?.close?.()
  expect(off).toHaveBeenCalledTimes(1)
  stripeSink({ stripe })
  expect(on).toHaveBeenCalledTimes(2)
})
