import type { CompletedReading } from '../call/completed-reading.ts'
import type { RecordedCall } from '../call/record-sink.ts'
import { UsageError } from '../errors/errors.ts'
import { deriveRecordId } from '../usage/record-id.ts'
import { isZero } from '../usage/token-counts.ts'
import { type UsageDetails, hasOtherUsage } from '../usage/usage-details.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import {
  boundedCode,
  boundedDetails,
  boundedModel,
  boundedUsage,
  providerIds,
} from '../wire/bounded-usage.ts'
import type { Call } from '../wire/endpoint.ts'
import { requestIdOf } from '../wire/http-headers.ts'
import { requestsOf } from '../wire/usage-reading.ts'

/**
 * The records of a call: one for each reading that used anything.
 * @param at when the response ended, in ms since the epoch.
 */
export function toRecords(
  call: RecordedCall,
  readings: readonly CompletedReading[],
  at: number,
): readonly UsageRecord[] {
  return dedupeReportedCost(readings)
    .map((reading, index) => toRecord(call, reading, at, index))
    .filter(({ tokens, details }) => !isZero(tokens) || hasOtherUsage(details))
}

/**
 * The record of what one model did in a call.
 * @param index among the call's readings, for an id that is derived from the response.
 */
function toRecord(
  observed: RecordedCall,
  { reading, tokens, outcome, estimated, unknown }: CompletedReading,
  at: number,
  index: number,
): UsageRecord {
  const { call, endpoint, customer, attributes, requestedModel, isLinked, headers } = observed
  const unbilled = reading.unbilled ?? (isLinked ? 'linked' : undefined)
  return {
    id:
      reading.identity === undefined
        ? observed.idOf(index, at)
        : deriveRecordId(...reading.identity, index),
    customer,
    provider: call.provider,
    model: boundedModel(reading.model ?? requestedModel ?? 'unknown'),
    requestedModel: requestedModel && boundedModel(requestedModel),
    endpoint: endpoint.name,
    tokens,
    details: detailsOf(boundedDetails(reading.details), estimated, unknown),
    outcome,
    at,
    serviceTier: reading.serviceTier === undefined ? null : boundedCode(reading.serviceTier),
    attributes,
    ...(unbilled !== undefined && { unbilled }),
    ...providerIds(reading.responseId, reading.requestId ?? requestIdOf(headers)),
    ...requestsOf(reading),
    raw: boundedUsage(reading.raw),
  }
}

function detailsOf(
  details: UsageDetails,
  estimated: CompletedReading['estimated'],
  unknown: CompletedReading['unknown'],
): UsageDetails {
  if (estimated.length === 0 && unknown === undefined) return details
  return {
    ...details,
    ...(estimated.length > 0 && { estimated }),
    ...(unknown !== undefined && { unknown }),
  }
}

/**
 * A cost that a gateway reports is that of the whole response, and stands in one of its readings.
 * The other models that worked for it are in that amount: they cost nothing more.
 */
function dedupeReportedCost(readings: readonly CompletedReading[]): readonly CompletedReading[] {
  if (readings.length < 2) return readings
  const reported = readings.filter(({ reading }) => reading.details.providerCostUsd !== undefined)
  if (reported.length === 0 || reported.length === readings.length) return readings
  return readings.map((completed) => {
    const { reading } = completed
    const isOfSame = reported.some((other) => other.reading.identity === reading.identity)
    if (!isOfSame || reading.details.providerCostUsd !== undefined) return completed
    return {
      ...completed,
      reading: { ...reading, details: { ...reading.details, providerCostUsd: 0 } },
    }
  })
}

/** What there is to report of a usage: that it was odd, has gaps, or never came. */
export function oddUsage(
  { provider, endpoint }: Call,
  { reading, tokens, estimated, unknown, interrupted }: CompletedReading,
  isRecorded: boolean,
): UsageError | undefined {
  if (reading.problems.length > 0) {
    const problems = reading.problems.join('; ')
    const kept = isRecorded ? 'The record keeps it raw.' : 'Nothing is recorded of it.'
    return new UsageError(`${provider} answered odd usage for ${endpoint}: ${problems}. ${kept}`)
  }
  if (estimated.length > 0 && !interrupted) {
    return new UsageError(
      `a call of ${endpoint} at ${provider} gave no count for ${estimated.join(' and ')}; its record is an estimate there`,
    )
  }
  if (unknown !== undefined && isZero(tokens)) {
    return new UsageError(
      `a call of ${endpoint} at ${provider} was cut off before any count; its record bills nothing (onInterrupted: 'partial-only')`,
    )
  }
  return undefined
}
