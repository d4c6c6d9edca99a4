/**
 * For authors of provider, sink and outbox packages. Applications want `@token-meter/core`.
 * @module
 */
export { zeroConfigMeter } from './meter/zero-config.ts'
export { registerPackage } from './environment/installed-package.ts'
export { environmentSinks } from './environment/environment-sinks.ts'
export type { Meter } from './meter/meter.ts'
export { watchMeter, type WatchedMeter } from './meter/zero-config.ts'

export { observing } from './meter/observing.ts'

export {
  AssignedFunctions,
  hasPrivateFields,
  isFixed,
  prototypeOwning,
} from './call/sdk/reflection.ts'
export { bodySnapshot } from './wire/request-body.ts'
export { asyncStorage } from './lib/runtime.ts'
export type { Customer } from './call/customer.ts'
export {
  ClientObservation,
  type RequestOptions,
  type SdkClient,
} from './call/sdk/client-observation.ts'
export { contextCustomer, runWithCustomer } from './meter/payer.ts'
export { guarded } from './call/provider.ts'
export { asMetered } from './call/unmetered-watch.ts'
export { isGatewayNamed, isOfGateway } from './call/own-gateway.ts'
export { gatewayBilling, GatewayBillingWatch } from './call/gateway-billing.ts'
export { PartsObservation, RequestContext, type RequestTarget } from './call/operation.ts'
export { type BodyObserver, observeBody } from './call/http/body-observer.ts'
export { observeCall, type CurrentCall } from './call/sdk/observe-call.ts'
export { clientView, type ViewShape } from './call/sdk/client-view.ts'
export { observeClient } from './call/sdk/observe-client.ts'
export { isSdkPromise, observePromise } from './call/sdk/observe-promise.ts'
export { observeFetch } from './call/http/observe-fetch.ts'
export type { FetchObservation } from './call/http/recognition.ts'
export type {
  Observing,
  OpenedRequest,
  RequestObservation,
  UpstreamTarget,
} from './call/http/request-observation.ts'
export { observeResponse } from './call/http/observe-response.ts'
export { type SendingObservation, sendingObservation } from './call/http/sending-observation.ts'
export { ToldOnce } from './call/told-once.ts'
export { observeThirdParty } from './call/sdk/observe-third-party.ts'
export { observeStream } from './call/sdk/observe-stream.ts'
export { AnswerScope } from './call/answer-scope.ts'
export { markObserved, takeAnswer } from './call/registry.ts'
export type { Admission, Guard, GuardedCall } from './call/guard.ts'
export { jobHoldId } from './call/guard.ts'
export { refusalResponse } from './call/http/refusal-response.ts'
export { refusalIn, untilAdmitted, withRefusals } from './call/refusals.ts'
export { handleRejection, unlessAborted } from './lib/promises.ts'
export { ObservedCall } from './call/observed-call.ts'
export { OpenStream } from './call/open-stream.ts'
export { observeRawRequests } from './call/sdk/request-scope.ts'
export { refusedCode, RefusedSession } from './call/sdk/refused-session.ts'
export { isPromise, prepareOptions } from './call/sdk/request-options.ts'
export { canScope, currentScope, runInScope } from './call/sdk/request-scope.ts'
export { StreamObservation } from './call/stream-observation.ts'
export { whenDropped } from './call/registry.ts'
export { registerWrapper } from './call/registry.ts'
export type {
  CallObserver,
  ClientOptions,
  FetchOptions,
  ObservingOptions,
  Provider,
  SendingFetch,
} from './call/provider.ts'

export { settledWithin, valueBefore, type WaitOptions } from './lib/timing.ts'
export { builtInModule, listenToProcess } from './lib/runtime.ts'
export { environmentLivemode } from './meter/livemode.ts'
export { type ManualUsage, toUsageRecord } from './meter/manual-usage.ts'

export type { MeterEvent } from './event/meter-event.ts'
export { defaultEventName, toMeterEvents, type MeterEventOptions } from './event/meter-event.ts'

export type {
  Appended,
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
export type { Awaitable } from './lib/promises.ts'
export type { Batch, BatchEntry, BatchMarks } from './sink/batch.ts'
export { isRequestBound } from './environment/runtime.ts'
export type { TakenId } from './outbox/taken-id.ts'
export type { KnownSink, KnownSinks, SinkMode, SinkStart } from './outbox/known-sinks.ts'
export type { Sink, SinkValue } from './sink/sink.ts'
export type { SinkResult } from './sink/sink-result.ts'
export type {
  EventsInFlight,
  RecordProgress,
  RequestInFlight,
  SendProgress,
} from './sink/send-progress.ts'
export { reportsProgress } from './sink/send-progress.ts'
export { withSend } from './sink/with-send.ts'
export { isUncertainRefusal, uncertainRefusal, type Refusal } from './errors/refusal.ts'

// For authors of anything that takes options.
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

export { MissingCustomerError } from './errors/errors.ts'
export { ConfigError } from './errors/errors.ts'
export { messageOf } from './errors/errors.ts'
export { OutboxError } from './errors/errors.ts'
export { TokenMeterError } from './errors/errors.ts'

// What readers of a wire format are given, made by whoever sees the requests.
export { httpHeaders, requestHeaders } from './wire/http-headers.ts'
export { readableFields } from './wire/request-body.ts'
export { TokenEstimate } from './wire/token-estimate.ts'
export { reportedUsd, xaiTicksPerUsd } from './wire/usage-counts.ts'
export { providerName } from './usage/provider-name.ts'
