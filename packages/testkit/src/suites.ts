/**
 * Conformance suites for providers, sinks and outboxes. They need vitest, unlike the rest.
 * @module
 */
export { describeOutbox } from './describe-outbox.ts'
export type { OutboxSuite } from './outbox-suite/outbox-harness.ts'
export { describeProvider } from './describe-provider.ts'
export type {
  ProviderUnderTest,
  ReadingUnderTest,
  RecordsUnderTest,
  RequestsUnderTest,
  SendOptions,
  WaysUnderTest,
  WireCounts,
  WireUnderTest,
} from './provider-suite/provider-under-test.ts'
export { type SdkPromise, sdkPromiseWays } from './provider-suite/sdk-promise-ways.ts'
export { describeSink } from './describe-sink.ts'
export type { BilledRow, SinkBackend, SinkSuite } from './sink-suite/sink-backend.ts'
export { exampleRecord } from './example-record.ts'
