/**
 * The metering pipeline, in the order of its flow: client call -> usage -> outbox -> delivery ->
 * sink. `meter.ts` joins the stages: read it first.
 * @module
 */
export { type ClientOf, createMeter, type Meter } from './meter/meter.ts'
export type { CloseOptions, FlushOptions, MeterOptions } from './meter/options.ts'

export type { MeterEvents } from './meter/events.ts'
export type { MeterSinkStats, MeterStats } from './meter/stats.ts'
export type { ManualUsage } from './meter/manual-usage.ts'

export type { Call } from './wire/endpoint.ts'
export type { AttributesOption, AttributeValues, Customer } from './call/customer.ts'
export type { OnInterrupted } from './call/estimates.ts'
export type { Admission, Guard, GuardedCall } from './call/guard.ts'
export { jobHoldId } from './call/guard.ts'
export type {
  ClientOptions,
  FetchOptions,
  OnRefused,
  Provider,
  SendingFetch,
} from './call/provider.ts'
export type { CallBounds, InputBeyond } from './wire/call-bounds.ts'

export {
  type TokenCountName,
  type TokenCounts,
  type TokenType,
  tokenTypes,
} from './usage/token-counts.ts'
export type { UsageCost } from './usage/usage-cost.ts'
export type { UsageDetails } from './usage/usage-details.ts'
export type { Attributes, RequestUsage, UsageOutcome, UsageRecord } from './usage/usage-record.ts'
export type { Tokenizer } from './wire/token-estimate.ts'
export { modelSlug, type ModelSlug } from './usage/model-slug.ts'

export {
  type UnmeteredHost,
  type UnmeteredWatch,
  type UnmeteredWatchOptions,
  watchUnmetered,
} from './call/unmetered-watch.ts'

export type { MeterEvent } from './event/meter-event.ts'
export { toMeterEvents, type MeterEventOptions } from './event/meter-event.ts'

export { memoryOutbox, type MemoryOutboxOptions } from './outbox/memory/memory-outbox.ts'
export type { Batch, BatchEntry, BatchMarks } from './sink/batch.ts'
export type {
  ClaimOptions,
  Correction,
  DeadLetter,
  LedgerEntry,
  LedgerPage,
  LedgerQuery,
  Outbox,
  RecordState,
  SettledState,
  SinkStats,
} from './outbox/outbox.ts'
export type { KnownSink, SinkMode, SinkStart } from './outbox/known-sinks.ts'
export type { TakenId } from './outbox/taken-id.ts'

export type { SinkFailure } from './delivery/outage.ts'
export type { DeliveryOptions } from './delivery/options.ts'
export type { WaitUntil } from './meter/wait-until.ts'

export type { Refusal } from './errors/refusal.ts'
export type { Sink, SinkValue } from './sink/sink.ts'
export type { SinkResult } from './sink/sink-result.ts'
export type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from './sink/send-progress.ts'
export { aggregated, type AggregationOptions } from './sink/aggregated-sink.ts'
export { renamedFrom } from './sink/built-in.ts'
export { startingFrom } from './sink/built-in.ts'
export { functionSink, type SinkFunction } from './sink/built-in.ts'
export { consoleSink, type ConsoleSinkOptions } from './sink/built-in.ts'

export { TokenMeterError } from './errors/errors.ts'
export { ConfigError } from './errors/errors.ts'
export { CostError } from './errors/errors.ts'
export { DeliveryError } from './errors/errors.ts'
export { DuplicateIdError } from './errors/errors.ts'
export { FlushError } from './errors/errors.ts'
export { HeldUsageError } from './errors/errors.ts'
export { MissingCustomerError } from './errors/errors.ts'
export { ObserverError } from './errors/errors.ts'
export { OutboxError } from './errors/errors.ts'
export { UsageError } from './errors/errors.ts'
