import type { Attributes, Meter } from '@opentelemetry/api'
import type { UsageRecord } from '@token-meter/core/sink'
import type { OpenTelemetrySinkSettings } from './opentelemetry-sink-options.ts'

/** Counts the cost of a record that has one. Its kind is an attribute, so that kinds never mix. */
export function costMetric(
  meter: Meter,
  kind: OpenTelemetrySinkSettings['cost'],
): (record: UsageRecord, attributes: Attributes) => void {
  if (kind === false) return () => {}
  const counter = meter.createCounter('token_meter.cost', {
    unit: '{USD}',
    description: 'Cost of LLM calls, in US dollars.',
  })
  return ({ cost }, attributes) => {
    const usd = Number(cost?.[kind])
    if (usd > 0) counter.add(usd, { ...attributes, 'token_meter.cost.kind': kind })
  }
}
