import type { Attributes } from '@opentelemetry/api'
import type { UsageRecord } from '@token-meter/core/sink'
import type { OpenTelemetrySinkSettings } from './opentelemetry-sink-options.ts'
import { operationName } from './operation-name.ts'
import { providerName } from './provider-name.ts'

/** What every metric of a record is broken down by. */
export function recordAttributes(
  record: UsageRecord,
  { attributes, customer, convention }: OpenTelemetrySinkSettings,
): Attributes {
  const provider = convention === '1.36' ? 'gen_ai.system' : 'gen_ai.provider.name'
  const own = attributes.flatMap((name) => {
    const value = Object.hasOwn(record.attributes, name) ? record.attributes[name] : undefined
    return value === undefined ? [] : [[name, value]]
  })
  return {
    ...(Object.fromEntries(own) as Attributes),
    'gen_ai.operation.name': operationName(record.endpoint),
    [provider]: providerName(record.provider, convention),
    'gen_ai.response.model': record.model,
    ...(record.requestedModel !== null && { 'gen_ai.request.model': record.requestedModel }),
    ...(record.unbilled !== undefined && { 'token_meter.unbilled': record.unbilled }),
    ...(customer && record.customer !== null && { 'token_meter.customer': record.customer }),
  }
}
