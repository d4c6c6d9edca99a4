/**
 * For authors of sinks: the contract, and what sinks that send events have in common.
 * @module
 */
export type { Batch, BatchEntry } from './sink/batch.ts'
export type { Sink, SinkResult } from './sink/sink.ts'
export type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from './sink/send-progress.ts'

// Requests, answers and options.
export { abortable, onAbort, requestWithin, sleep, type SleepOptions } from './lib/timing.ts'
export { attributeTexts } from './sink/toolkit/attribute-texts.ts'
export { checkedKey, type KeyNames } from './sink/toolkit/checked-key.ts'
export { type AheadLimit, datedAhead, dateText } from './sink/toolkit/dated-ahead.ts'
export type {
  EventOutcome,
  EventRejection,
  EventRetry,
  SentEvent,
} from './sink/toolkit/event-outcome.ts'
export { isMissingInBuild, keylessSink } from './sink/toolkit/keyless-sink.ts'
export { type NetworkFailure, neverSent } from './sink/toolkit/never-sent.ts'
export { chunksOf, halvesOf } from './sink/toolkit/parts.ts'
export { createRate, type NextMoment, type RateOptions } from './sink/toolkit/rate.ts'
export { recordResult, type RefusedEvent } from './sink/toolkit/record-result.ts'
export { retryAfterMs } from './sink/toolkit/retry-after.ts'
export {
  type EntrySteps,
  type PayableEntry,
  rejected,
  sendEntries,
  type Unsent,
} from './sink/toolkit/send-entries.ts'
export {
  type BeginRequest,
  type EventRequest,
  uncertainSinceOf,
} from './sink/toolkit/event-progress.ts'
export { unusedEventId } from './sink/toolkit/unused-event-id.ts'
export { withCacheInInput } from './sink/toolkit/with-cache-in-input.ts'
export { withReason } from './sink/toolkit/with-reason.ts'
export { withoutKey } from './sink/toolkit/without-key.ts'

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
