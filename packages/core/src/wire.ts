/**
 * For readers of wire formats: what a request asks for and what its answer used, without a client, an
 * outbox or anything else that runs.
 * @module
 */
export {
  type Call,
  type Endpoint,
  noEstimate,
  type PlainEvent,
  type StreamAnswer,
  type StreamReader,
} from './wire/endpoint.ts'
export type { CallBounds, InputBeyond } from './wire/call-bounds.ts'
export type {
  AnswerPart,
  AnswerParts,
  JobStore,
  RequestRewrite,
  Unmetered,
  WireContext,
  WireOperation,
  WireProtocol,
  WireRequest,
} from './wire/protocol.ts'
export {
  batchOf,
  mediaOf,
  requestBounds,
  type RequestLimits,
  statedCount,
} from './wire/request-bounds.ts'
export type { HttpHeaders } from './wire/http-headers.ts'
export { lateBody } from './wire/late-body.ts'
export { requestBody } from './wire/request-body.ts'
export { isErrorAnswer } from './wire/error-answer.ts'
export { isLinkedBilling, ownValue } from './wire/linked-billing.ts'
export { statedCost } from './wire/stated-cost.ts'
export { reportedCount, type UsageProblems } from './wire/usage-counts.ts'
export { isGap, isStated, laterUsage, RunningUsage } from './wire/running-usage.ts'
export type { TokenEstimate } from './wire/token-estimate.ts'
export {
  type CountReader,
  countReader,
  type UsageCounts,
  type UsageOf,
  usageDetails,
} from './wire/usage-counts.ts'
export { unknownUsage, type UsageReading } from './wire/usage-reading.ts'

export { type RefusalBilling, refusalBilling } from './usage/refusal-billing.ts'
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
export type { RequestUsage, UsageRecord } from './usage/usage-record.ts'

export { isPlain, jsonObject, parsedJson, text } from './lib/json.ts'
