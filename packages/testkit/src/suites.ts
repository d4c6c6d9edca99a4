/**
 * Conformance suites for providers, sinks and outboxes. They need vitest, unlike the rest.
 * @module
 */
export { describeOutbox } from './describe-outbox.ts'
export type { OutboxSuite } from './outbox-suite/outbox-harness.ts'
export { describeSink } from './describe-sink.ts'
export type { BilledRow, SinkBackend, SinkSuite } from './sink-suite/sink-backend.ts'
export { exampleRecord } from './example-record.ts'
