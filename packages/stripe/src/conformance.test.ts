import type { Sink, UsageRecord } from '@token-meter/core/sink'
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

for (const api of ['v1', 'v2', 'stream'] as const) {
  describeSink(`stripeSink of ${api} by cost`, {
    backend: async () =>
      costsAsCounts(await (api === 'stream' ? streamOfFakeStripe() : startFakeStripe())),
    create: ({ apiKey, url }, { timeoutMs }) =>
      withCosts(stripeSink({ apiKey, api, baseUrl: url, timeoutMs, value: 'cost' })),
    poison: {
      record: { customer: 'cus_poison', tokens: { ...poison.tokens, input: 10 ** 15 } },
      reason: /more than fits into the 15 digits that Stripe takes/,
    },
  })
}

/** How many micro-dollars a token costs, so that the digits of a sum are the counts of each type. */
const prices = { input: 1n, cached_input: 100_000n, output: 10_000_000_000n }

function withCosts(sink: Sink): Sink {
  const priced = (record: UsageRecord): UsageRecord => {
    const { input, cachedInput, output } = record.tokens
    const micro =
      BigInt(input) * prices.input +
      BigInt(cachedInput) * prices.cached_input +
      BigInt(output) * prices.output
    const billed = `${micro / 1_000_000n}.${(micro % 1_000_000n).toString().padStart(6, '0')}`
    return { ...record, cost: { currency: 'USD', provider: '0', billed, source: 'prices' } }
  }
  return {
    ...sink,
    send: (batch, signal, progress) => {
      const entries = batch.entries.map((entry) => ({ ...entry, record: priced(entry.record) }))
      return sink.send({ ...batch, entries }, signal, progress)
    },
  }
}

/** The suite counts tokens: it reads them from the sums of money. */
function costsAsCounts(fake: FakeStripe): FakeStripe {
  return {
    ...fake,
    get requests() {
      return fake.requests
    },
    billed: () =>
      fake.billed().flatMap(({ value, ...row }) =>
        Object.entries(prices).flatMap(([tokenType, price]) => {
          const count = Number((BigInt(value) / price) % 100_000n)
          return count > 0 ? [{ ...row, tokenType, value: count }] : []
        }),
      ),
  }
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
