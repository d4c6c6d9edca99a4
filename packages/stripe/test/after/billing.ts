import { memoryOutbox } from '@token-meter/core'
import type { Outbox } from '@token-meter/core/adapter'
import type { SendProgress, Sink, UsageRecord } from '@token-meter/core/sink'
import { type FakeStripeOptions, exampleRecord, startFakeStripe } from '@token-meter/testkit'
import Stripe from 'stripe'
import { onTestFinished, vi } from 'vitest'
import {
  type MeterErrorHandlerOptions,
  type MeterErrorReport,
  meterErrorHandler,
  stripeSink,
} from '../../src/index.ts'
import type { StripeSinkOptions } from '../../src/options.ts'

export const hour = 60 * 60_000
export const webhookSecret = 'whsec_verySECRET'

/** A ledger, a sink and a fake Stripe; the test says when something is sent. */
export async function startBilling(
  sinkOptions: StripeSinkOptions = {},
  fakeOptions: FakeStripeOptions = {},
  outbox: Outbox = memoryOutbox(),
  around: (sink: Sink) => Sink = (sink) => sink,
) {
  const fake = await startFakeStripe(fakeOptions)
  onTestFinished(() => fake.close())
  const options = { apiKey: fake.apiKey, baseUrl: fake.url, timeoutMs: 2000, ...sinkOptions }
  const sink = around(stripeSink(options))
  const reports: MeterErrorReport[] = []
  const errors: string[] = []

  return {
    fake,
    outbox,
    options: { ...options, outbox },
    reports,
    errors,
    /** Keeps a record of three events: 10 input, 5 cached input, 7 output. */
    async add(id: string, change: Partial<UsageRecord> = {}): Promise<void> {
      const tokens = { input: 10, cachedInput: 5, cachedWrite: 0, output: 7 }
      await outbox.append([exampleRecord({ id, at: Date.now(), tokens, ...change })])
    },
    /** Claims, sends and settles once; the answers by record. */
    async deliver(): Promise<Readonly<Record<string, string>>> {
      const batch = await outbox.claim('stripe', { limit: 100, leaseMs: 1000 })
      if (batch === undefined) return {}
      const results = await sink.send(batch, new AbortController().signal, unheard)
      await outbox.settle(batch, results)
      return Object.fromEntries(
        batch.entries.map(({ record }, index) => [record.id, results[index]?.status ?? '']),
      )
    },
    async stateOf(id: string) {
      const { entries } = await outbox.ledger('stripe')
      return entries.find(({ record }) => record.id === id)
    },
    /** Billed now, as `identifier value`. */
    billed: () =>
      fake.meterEvents
        .map(({ identifier, payload }) => `${identifier} ${payload.value}`)
        .toSorted(),
    webhook: (change: Partial<MeterErrorHandlerOptions> = {}) =>
      meterErrorHandler({
        ...options,
        outbox,
        webhookSecret,
        onReport: (report) => void reports.push(report),
        onError: (message) => void errors.push(message),
        ...change,
      }),
  }
}

/** The request by which Stripe brings a notification. */
export function signed(
  body: string,
  { secret = webhookSecret, atMs = Date.now() }: { secret?: string; atMs?: number } = {},
): Request {
  const signature = Stripe.webhooks.generateTestHeaderString({
    payload: body,
    secret,
    timestamp: Math.floor(atMs / 1000),
  })
  const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
  return new Request('https://example.com/stripe/webhook', { method: 'POST', headers, body })
}

/** Sets the clock that the outbox, the sink and the fake share. */
export function setTime(iso: string): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(iso) })
}

export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}

/** What a sink reports, where its answer says the same. */
const unheard: SendProgress = {
  sending: async () => ({ check: () => {}, over: () => {} }),
  known: () => {},
}
