import type { ObservedCall } from '../call/observed-call.ts'
import type { CompletedReading } from '../call/record-sink.ts'
import { requestIdOf } from '../wire/request-id.ts'
import {
  boundedCode,
  boundedDetails,
  boundedModel,
  boundedUsage,
  providerIds,
} from '../wire/bounded-usage.ts'
import { deriveRecordId, mintRecordId } from '../usage/record-id.ts'
import { requestsOf } from '../wire/usage-reading.ts'
import type { UsageDetails } from '../usage/usage-details.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/**
 * The record of what one model did in a call.
 * @param index among the call's records, for an id that is derived from the response.
 */
export function toRecord(
  { call, endpoint, customer, attributes, requestedModel, isLinked, headers }: ObservedCall,
  { reading, tokens, outcome, estimated, unknown }: CompletedReading,
  at: number,
  index: number,
): UsageRecord {
  const unbilled = reading.unbilled ?? (isLinked ? 'linked' : undefined)
  return {
    id:
      reading.identity === undefined
        ? mintRecordId(at)
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
