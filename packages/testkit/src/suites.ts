/**
 * Conformance suites and other parts of tests. They need vitest, unlike the rest of the testkit.
 * @module
 */
export { describeOutbox } from './describe-outbox.ts'
export { exampleRecord } from './example-record.ts'
export type { OutboxSuite } from './outbox-suite/outbox-harness.ts'
export { describeSink } from './describe-sink.ts'
export type { BilledRow, SinkBackend, SinkSuite } from './sink-suite/sink-backend.ts'
export {
  billedTotals,
  billingFaults,
  expectedTotals,
  recordingsAreAbsent,
} from './sink-suite/recorded-billing.ts'
export { spawnScript, type SpawnedScript } from './application/spawn-script.ts'
export { temporaryFile } from './application/temporary-file.ts'
