/**
 * Stand-ins for billing backends and model providers, each a real HTTP server on loopback, and
 * example records. Needs no test runner.
 * @module
 */
export { startFakeStripe, type FakeStripe } from './stripe/fake-stripe.ts'
export type { FakeStripeOptions } from './stripe/fake-stripe-options.ts'
export type { MeterEventFailure } from './stripe/meter-event-failure.ts'
export type { MeterEventApi, MeterEventParams } from './stripe/meter-event-params.ts'
export type { StreamDuplicates } from './stripe/meter-event-stream.ts'
export type { BilledUsage } from './stripe/billed-usage.ts'
export type { FakeBilling } from './stripe/billing/billing.ts'
export type { CheckoutOutcome } from './stripe/billing/checkout.ts'
export type { Delivered, DeliverOptions, StripeEvent } from './stripe/billing/webhooks.ts'
export { startFakeMetronome, type FakeMetronome } from './metronome/fake-metronome.ts'
export type { FakeMetronomeOptions } from './metronome/fake-metronome-options.ts'
export type { UsageEvent } from './metronome/usage-event.ts'
export type { BilledCost, BilledTokens } from './metronome/billed-tokens.ts'
export { startFakeLago, type FakeLago } from './lago/fake-lago.ts'
export type { FakeLagoOptions } from './lago/fake-lago-options.ts'
export type { LagoBilledCost, LagoBilledUsage } from './lago/lago-bill.ts'
export type { LagoEventInput } from './lago/lago-event-input.ts'
export { startFakeOpenMeter, type FakeOpenMeter } from './openmeter/fake-open-meter.ts'
export type { FakeOpenMeterOptions } from './openmeter/fake-open-meter-options.ts'
export type { IngestedEvent } from './openmeter/ingested-event.ts'
export type { MeteredCost, MeteredUsage } from './openmeter/metered-usage.ts'
export type { FakeMeter, MeterRow } from './openmeter/meter-query.ts'
export {
  type FakeBackend,
  type FakeServer,
  type FakeServerOptions,
  startFakeServer,
} from './http/fake-server.ts'
export type { LoopbackServer } from './http/loopback-server.ts'
export type { FakeAnswer, FakeRequest } from './http/fake-request.ts'
export type { Fault, FaultOptions } from './http/fault.ts'

export {
  startReplayServer,
  type ReplayServer,
  type ReplayServerOptions,
} from './replay/replay-server.ts'
export type {
  EventFraming,
  Reply,
  ReplayedRequest,
  ReplayEvent,
  ReplyOptions,
} from './replay/replay-reply.ts'

export { exampleRecord } from './example-record.ts'
export { batchOf, never, recordsOf, statusesOf } from './sink-suite/batch-of.ts'
