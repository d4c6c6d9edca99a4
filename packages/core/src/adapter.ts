/**
 * For authors of provider, sink and outbox packages. Applications want `@token-meter/core`.
 * @module
 */
export { zeroConfigMeter } from './zero-config.ts'
export { registerPackage } from './environment/installed-package.ts'
export type { Meter } from './meter.ts'
export { watchMeter, type WatchedMeter } from './watch-meter.ts'

export { AssignedFunctions } from './call/assigned-functions.ts'
export { bodySnapshot } from './call/body-snapshot.ts'
export { asyncStorage } from './call/async-storage.ts'
export type { Call } from './call/call.ts'
export type { Customer } from './call/customer.ts'
export {
  ClientObservation,
  type RequestOptions,
  type RoutedRequest,
} from './call/client-observation.ts'
export { contextCustomer, runWithCustomer } from './call/customer-context.ts'
export type { Endpoint, StreamReader } from './call/endpoint.ts'
export { guarded } from './call/guarded.ts'
export { gatewayBilling, GatewayBillingWatch } from './call/gateway-billing.ts'
export { JobMemory } from './call/job-memory.ts'
export { noEstimate } from './call/no-estimate.ts'
export { observeCall, type CurrentCall } from './call/observe-call.ts'
export { observeClient } from './call/observe-client.ts'
export { isSdkPromise, observePromise } from './call/observe-promise.ts'
export { observeResponse } from './call/observe-response.ts'
export { observeStream } from './call/observe-stream.ts'
export { markObserved } from './call/observation-marks.ts'
export { ObservedCall } from './call/observed-call.ts'
export { observeRawRequests } from './call/raw-requests.ts'
export { isPromise, prepareOptions } from './call/request-options.ts'
export { canScope, currentScope, runInScope } from './call/request-scope.ts'
export { StreamObservation } from './call/stream-observation.ts'
export { whenDropped } from './call/when-dropped.ts'
export { type ResponseHeaders, responseHeaders } from './usage/response-headers.ts'
export { rememberWrapped } from './call/wrapped-clients.ts'
export type { CallObserver, ClientOptions, Provider } from './call/provider.ts'

export { builtInModule, listenToProcess } from './lib/node-process.ts'
export { isErrorAnswer } from './usage/error-answer.ts'
export { isPlain, jsonObject, text } from './usage/json-object.ts'
export { isLinkedBilling, ownValue } from './usage/linked-billing.ts'
export { providerName } from './usage/provider-name.ts'
export { statedCost } from './usage/stated-cost.ts'
export { reportedCount, type UsageProblems } from './usage/reported-count.ts'
export { isGap, isStated, laterUsage, RunningUsage } from './usage/running-usage.ts'
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
export { TokenEstimate } from './usage/token-estimate.ts'
export {
  countReader,
  reportedUsd,
  type UsageCounts,
  type UsageOf,
  usageDetails,
  xaiTicksPerUsd,
} from './usage/usage-counts.ts'
export type { UsageCost } from './usage/usage-cost.ts'
export type { UsageDetails } from './usage/usage-details.ts'
export { unknownUsage, type UsageReading } from './usage/usage-reading.ts'
export { type RefusalBilling, refusalBilling } from './usage/refusal-billing.ts'
export type { RequestUsage, UsageRecord } from './usage/usage-record.ts'
export { environmentLivemode } from './livemode.ts'
export { type ManualUsage, toUsageRecord } from './manual-usage.ts'
export { modelSlug, type ModelSlug } from './usage/model-slug.ts'

export type { MeterEvent } from './event/meter-event.ts'
export { defaultEventName, toMeterEvents, type MeterEventOptions } from './event/to-meter-events.ts'

export type {
  Appended,
  Awaitable,
  Batch,
  BatchEntry,
  BatchMarks,
  Correction,
  DeadLetter,
  LedgerEntry,
  LedgerPage,
  LedgerQuery,
  Outbox,
  RecordState,
  SinkStats,
} from './outbox/outbox.ts'
export { Faults } from './outbox/faults.ts'
export { isProcessGone, type ProcessName, thisProcess } from './outbox/process-life.ts'
export { isRequestBound } from './environment/request-bound.ts'
export { correctedEvents } from './outbox/corrected-events.ts'
export { copyFound, distrustedSince } from './outbox/distrust.ts'
export { duplicateIds, isSameUsage, type TakenId } from './outbox/taken-id.ts'
export { type KnownSink, type KnownSinks, seenForMs, type SinkMode } from './outbox/known-sinks.ts'
export { fromBody, toBody } from './outbox/record-body.ts'
export type { Sink, SinkResult } from './sink/sink.ts'
export type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from './sink/send-progress.ts'
export { moreUncertain, type Uncertainty, uncertaintyFields } from './outbox/uncertainty.ts'
export {
  isUncertainRefusal,
  joinedRefusal,
  refusalOf,
  uncertainRefusal,
  type Refusal,
} from './usage/refusal.ts'

// For authors of sinks that send events: what their requests, answers and options have in common.
export { answerWithin } from './sending/answer-within.ts'
export { attributeTexts } from './sending/attribute-texts.ts'
export { checkedKey, type KeyNames } from './sending/checked-key.ts'
export { type AheadLimit, datedAhead, dateText } from './sending/dated-ahead.ts'
export type {
  EventOutcome,
  EventRejection,
  EventRetry,
  SentEvent,
} from './sending/event-outcome.ts'
export { isMissingInBuild, keylessSink } from './sending/keyless-sink.ts'
export { type NetworkFailure, neverSent } from './sending/never-sent.ts'
export { onAbort } from './sending/on-abort.ts'
export { chunksOf, halvesOf } from './sending/parts.ts'
export { createRate, type NextMoment, type RateOptions } from './sending/rate.ts'
export { recordResult, type RefusedEvent } from './sending/record-result.ts'
export { retryAfterMs } from './sending/retry-after.ts'
export {
  type EntrySteps,
  type PayableEntry,
  rejected,
  sendEntries,
  type Unsent,
} from './sending/send-entries.ts'
export { type BeginRequest, type EventRequest, uncertainSinceOf } from './sending/event-progress.ts'
export { untilAborted } from './sending/until-aborted.ts'
export { unusedEventId } from './sending/unused-event-id.ts'
export { withCacheInInput } from './sending/with-cache-in-input.ts'
export { withReason } from './sending/with-reason.ts'
export { withoutKey } from './sending/without-key.ts'

// For authors of anything that takes options.
export {
  checkKeys,
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

export { MissingCustomerError } from './errors/missing-customer-error.ts'
export { ConfigError } from './errors/config-error.ts'
export { messageOf } from './errors/message-of.ts'
export { OutboxError } from './errors/outbox-error.ts'
export { TokenMeterError } from './errors/token-meter-error.ts'
