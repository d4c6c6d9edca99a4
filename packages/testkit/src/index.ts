export {
  startReplayServer,
  type ReplayServer,
  type ReplayServerOptions,
} from './replay/replay-server.ts'
export type { Reply, ReplayedRequest, ReplayEvent, ReplyOptions } from './replay/replay-reply.ts'
export { recordings, type ExpectedRecord, type Recording } from './recordings.ts'
export { exampleRecord } from './example-record.ts'
export { sharedFolder } from './shared-folder.ts'
export { startFakeStripe, type FakeStripe } from './stripe/fake-stripe.ts'
export type { FakeStripeOptions } from './stripe/fake-stripe-options.ts'
export type { MeterEventFailure } from './stripe/meter-event-failure.ts'
export type { FakeStripeRequest } from './stripe/fake-stripe-request.ts'
export type { MeterEventParams } from './stripe/meter-event-params.ts'
export type { BilledUsage } from './stripe/billed-usage.ts'
export type { Fault, FaultOptions } from './http/fault.ts'
