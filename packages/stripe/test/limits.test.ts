import { createMeter, memoryOutbox } from '@token-meter/core'
import {
  batchOf,
  never,
  recordsOf,
  startFakeStripe,
  statusesOf,
  type FakeStripeOptions,
} from '@token-meter/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { stripeSink } from '../src/stripe-sink.ts'

const limits: readonly (readonly [string, FakeStripeOptions])[] = [
  ['requests at a time', { maxConcurrentRequests: 3, latencyMs: 10 }],
  ['requests a second', { requestsPerSecond: 40 }],
]

for (const api of ['v1', 'v2', 'stream'] as const) {
  test.each(limits)(
    `${api}: Stripe takes fewer %s than we send, and bills all once`,
    async (_, limit) => {
      const fake = await startFakeStripe(limit)
      onTestFinished(() => fake.close())
      const { apiKey, url: baseUrl } = fake
      const outbox = memoryOutbox()
      const tokens = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }
      // Enough for a few requests of the stream, and for some dozens one by one.
      const count = api === 'stream' ? 1500 : 60
      const records = recordsOf(count, { tokens }).map((record, index) => ({
        ...record,
        customer: `cus_${index}`,
      }))
      await outbox.append(records)
      const meter = createMeter({
        providers: [],
        outbox,
        sinks: [stripeSink({ apiKey, baseUrl, api })],
        delivery: { backoff: { baseMs: 50, maxMs: 250 } },
      })
      onTestFinished(() => meter.close())
      await meter.flush({ timeoutMs: 25_000 })
      expect(fake.meterEvents).toHaveLength(count)
      expect(new Set(fake.meterEvents.map(({ identifier }) => identifier)).size).toBe(count)
      expect(await outbox.stats('stripe')).toMatchObject({ delivered: count, dead: 0 })
    },
  )

  test(`${api}: after a 429 for concurrency fewer requests go at a time`, async () => {
    const fake = await startFakeStripe({ latencyMs: 50 })
    onTestFinished(() => fake.close())
    const { apiKey, url: baseUrl } = fake
    const sink = stripeSink({ apiKey, baseUrl, api, maxConcurrentRequests: 8 })
    const headers = { 'stripe-rate-limited-reason': 'endpoint-concurrency' }
    fake.failWith({ status: 429, headers }, { matching: 'first' })
    const tokens = { input: 1, cachedInput: 0, cachedWrite: 0, output: 0 }
    const [first] = await sink.send(batchOf(recordsOf(1, { id: 'first', tokens })), never)
    expect(first).toMatchObject({ status: 'retry' })
    const records = recordsOf(api === 'stream' ? 1600 : 16, { tokens }).map((record, index) => ({
      ...record,
      customer: `cus_${index}`,
    }))
    expect(statusesOf(await sink.send(batchOf(records), never))).toEqual(['accepted'])
    // Half of 8, and one place more after four seconds.
    expect(fake.concurrency().inAll).toBeGreaterThanOrEqual(4)
    expect(fake.concurrency().inAll).toBeLessThan(7)
  })
}
