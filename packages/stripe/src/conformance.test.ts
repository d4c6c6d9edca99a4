import { startFakeStripe, type FakeStripe, type FaultOptions } from '@token-meter/testkit'
import { describeSink } from '@token-meter/testkit/suites'
import Stripe from 'stripe'
import { stripeSink } from './stripe-sink.ts'

const poison = {
  customer: 'cus_poison',
  tokens: { input: Number.MAX_SAFE_INTEGER, cachedInput: 0, cachedWrite: 0, output: 0 },
}

describeSink('stripeSink', {
  backend: () => startFakeStripe(),
  create: ({ apiKey, url }, { timeoutMs }) => stripeSink({ apiKey, baseUrl: url, timeoutMs }),
  poison: {
    record: poison,
    reason: /payload_invalid_value.*positive integer of at most 15 digits/,
  },
})

describeSink('stripeSink of v1', {
  backend: () => startFakeStripe(),
  create: ({ apiKey, url }, { timeoutMs }) =>
    stripeSink({ apiKey, api: 'v1', baseUrl: url, timeoutMs }),
  poison: { record: poison, reason: /400 .*positive integer of at most 15 digits/ },
})

describeSink('stripeSink of the stream', {
  backend: streamOfFakeStripe,
  create: ({ apiKey, url }, { timeoutMs }) =>
    stripeSink({ apiKey, api: 'stream', baseUrl: url, timeoutMs }),
  poison: { record: { customer: 'cus_poison' }, reason: /400 payload_not_allowed/ },
})

for (const api of ['v1', 'v2', 'stream'] as const) {
  describeSink(`stripeSink of ${api} with a Stripe client of the application`, {
    backend: api === 'stream' ? streamOfFakeStripe : () => startFakeStripe(),
    create: ({ apiKey, host, port }, { timeoutMs }) =>
      stripeSink({ stripe: new Stripe(apiKey, { host, port, protocol: 'http' }), api, timeoutMs }),
    poison:
      api === 'stream'
        ? { record: { customer: 'cus_poison' }, reason: /400 payload_not_allowed/ }
        : { record: poison, reason: /400 .*positive integer/ },
  })
}

/**
 * What the suite sees of the stream: the requests that carry events. Those for a session have tests
 * of their own. The stream refuses hardly anything at once, so here it has a rule of its own.
 */
async function streamOfFakeStripe(): Promise<FakeStripe> {
  const fake = await startFakeStripe()
  const to = '/meter_event_stream'
  const body = { error: { code: 'payload_not_allowed', message: 'No.' } }
  fake.failWith({ status: 400, body }, { times: Infinity, to, matching: 'cus_poison' })
  return {
    ...fake,
    get requests() {
      return fake.requests.filter(({ path }) => path.endsWith(to))
    },
    failWith: (fault, options?: FaultOptions) => fake.failWith(fault, { ...options, to }),
  }
}
