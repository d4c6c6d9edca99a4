import { memoryOutbox } from '@token-meter/core'
import type { Sink, UsageRecord } from '@token-meter/core/sink'
import { stripeSink } from '@token-meter/stripe'
import { type FakeStripe, startFakeStripe } from '@token-meter/testkit'
import { describeSink } from '@token-meter/testkit/suites'
import { stripeHeaders } from './stripe-headers.ts'

const poison = {
  record: {
    customer: 'cus_poison',
    tokens: { input: Number.MAX_SAFE_INTEGER, cachedInput: 0, cachedWrite: 0, output: 0 },
  },
  reason: /payload_invalid_value.*positive integer of at most 15 digits/,
}
const secret = 'a secret of the tests, long enough'
const nowhere = 'http://127.0.0.1:1'

describeSink('stripeHeaders, of what came without them', {
  backend: () => startFakeStripe(),
  create: ({ apiKey, url }, { timeoutMs }) =>
    stripeHeaders({
      sink: stripeSink({ apiKey, baseUrl: url, timeoutMs }),
      outbox: memoryOutbox(),
      secret,
      connect: () => stripeSink({ apiKey: 'rk_test_other', baseUrl: nowhere }),
    }),
  poison,
})

describeSink('stripeHeaders, of what came with them', {
  backend: () => startFakeStripe(),
  create: withHeaders,
  poison,
})

/** Each record is appended as that of a request with headers, whose key has another customer. */
function withHeaders({ apiKey, url }: FakeStripe, { timeoutMs }: { timeoutMs: number }): Sink {
  const outbox = memoryOutbox()
  const billing = stripeHeaders({
    sink: stripeSink({ apiKey: 'rk_test_own', baseUrl: nowhere }),
    outbox,
    secret,
    connect: (key) => stripeSink({ apiKey: key, baseUrl: url, timeoutMs }),
    onFailed: () => undefined,
  })
  const kept = new Set<string>()
  const keep = (record: UsageRecord): void => {
    if (kept.has(record.id)) return
    kept.add(record.id)
    const stripe = { customer: record.customer ?? '', key: apiKey }
    const holdIds = billing.holdIdsOf(record.id, { stripe })
    void outbox.append([{ ...record, customer: 'team_7' }], { holdIds })
  }
  return {
    name: billing.name,
    reportsProgress: true,
    send(batch, signal, progress) {
      for (const { record } of batch.entries) keep(record)
      const entries = batch.entries.map((entry) => ({
        ...entry,
        record: { ...entry.record, customer: 'team_7' },
      }))
      return billing.send({ ...batch, entries }, signal, progress)
    },
    close: () => billing.close?.(),
  }
}
