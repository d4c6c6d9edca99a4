/**
 * For authors of sinks: the contract, and what sinks that send events have in common.
 *
 * A sink is made by a factory function, never a class: `aSink(options)` checks its options (`checkKeys`,
 * `optionCheck`, `checkedKey`; a `ConfigError` says what to put right), closes over the settings that
 * come of them, and returns a `Sink`. One that sends events is an `eventSink`: what the events of a
 * record are, and a `createChunkedSender` that has the limits of the backend and makes one request.
 *
 *     options.ts      the options, their defaults and checks
 *     a-client.ts     the backend's client
 *     a-events.ts     record -> events
 *     ingest.ts       one request, and what its answer means
 *     a-sink.ts       the factory, which puts these together
 * @module
 */
export type { Batch, BatchEntry } from './sink/batch.ts'
export type { Sink } from './sink/sink.ts'
export type { SinkResult } from './sink/sink-result.ts'
export type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from './sink/send-progress.ts'

// A sink that sends events: records -> events, and events -> requests.
export {
  eventSink,
  noEvent,
  rejected,
  type BeginRequest,
  type EventRequest,
  type EventSender,
  type EventSinkSettings,
  type EventSteps,
  type PayableEntry,
  type QueuedEvent,
  type Unsent,
} from './sink/toolkit/send-batch.ts'
export {
  createChunkedSender,
  type Attempt,
  type ChunkedBackend,
  type RequestOutcome,
} from './sink/toolkit/chunked-sender.ts'
export {
  recordResult,
  type EventOutcome,
  type EventRejection,
  type EventRetry,
  type JudgedEvents,
  type RefusedEvent,
  type SentEvent,
} from './sink/toolkit/outcome.ts'
export {
  failureMessages,
  noAnswer,
  passingFailure,
  retryAfterMs,
  wrongSetupAfterMs,
  type FailedRequest,
  type NetworkFailure,
} from './sink/toolkit/http-failure.ts'
export {
  createRateLimiter,
  createTokenBucket,
  type RateLimiter,
  type RateLimits,
  type Slots,
  type TokenBucketOptions,
} from './sink/toolkit/rate-limit.ts'
export { abortable, onAbort, requestWithin, sleep, type SleepOptions } from './lib/timing.ts'

// What is in events, and what goes into a sink.
export {
  attributeTexts,
  datedAhead,
  dateText,
  unusedEventId,
  withCacheInInput,
  type AheadLimit,
} from './sink/toolkit/event-fields.ts'
export {
  checkedKey,
  isMissingInBuild,
  keylessSink,
  withoutKey,
  type KeyNames,
} from './sink/toolkit/options.ts'

export type { MeterEvent } from './event/meter-event.ts'
export { defaultEventName, toMeterEvents, type MeterEventOptions } from './event/meter-event.ts'

export {
  allInput,
  allOutput,
  mapCounts,
  noTokens,
  type TokenCountName,
  type TokenCounts,
  type TokenType,
  tokenTypes,
} from './usage/token-counts.ts'
export type { UsageCost } from './usage/usage-cost.ts'
export type { UsageDetails } from './usage/usage-details.ts'
export type { UsageRecord } from './usage/usage-record.ts'
export { modelSlug, type ModelSlug } from './usage/model-slug.ts'

export {
  checkKeys,
  hasMethod,
  isAboveZero,
  isCount,
  isDuration,
  isFiniteDuration,
  isFunction,
  isOneOf,
  isText,
  isTimerMs,
  optionCheck,
  type OptionCheck,
} from './errors/option-check.ts'
export { ConfigError } from './errors/errors.ts'
export { messageOf } from './errors/errors.ts'
export {
  isUncertainRefusal,
  joinedRefusal,
  refusalOf,
  uncertainRefusal,
  type Refusal,
} from './errors/refusal.ts'
export { TokenMeterError } from './errors/errors.ts'
