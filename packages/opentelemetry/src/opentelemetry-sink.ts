/**
 * UsageRecord[] -> OpenTelemetry metrics.
 *
 * record -> attributes (record-attributes) -> token-metrics and cost-metric, in the memory of the
 * registered SDK, which exports the sums.
 */
import type { BatchEntry, Sink, SinkResult } from '@token-meter/core/sink'
import { costMetric } from './cost-metric.ts'
import { onCurrentProvider } from './current-provider.ts'
import {
  openTelemetrySinkSettings,
  type OpenTelemetrySinkOptions,
} from './opentelemetry-sink-options.ts'
import { RecentIds } from './recent-ids.ts'
import { recordAttributes } from './record-attributes.ts'
import { tokenMetrics } from './token-metrics.ts'

/** Records whose batch may come again to this process, because it could not be settled. */
const rememberedRecords = 10_000

/**
 * A sink that counts tokens and cost as metrics, by the gen_ai semantic conventions. It accepts
 * every record, at once, and where no OpenTelemetry SDK is registered counts nothing. For a
 * dashboard, not for a bill: an SDK sums in memory, so what a killed process had not exported is
 * missing, and time is that of the delivery.
 * @throws ConfigError when an option is wrong.
 */
export function openTelemetrySink(options: OpenTelemetrySinkOptions = {}): Sink {
  const settings = openTelemetrySinkSettings(options)
  const { convention, cost, name } = settings
  const schemaUrl =
    convention === 'latest' ? undefined : `https://opentelemetry.io/schemas/${convention}.0`
  const instruments = onCurrentProvider(
    options.meterProvider,
    (meter) => ({
      countTokens: tokenMetrics(meter, convention),
      countCost: costMetric(meter, cost),
    }),
    schemaUrl,
  )
  const counted = new RecentIds(rememberedRecords)

  function count({ record, attempts, uncertainSince }: BatchEntry): void {
    const isAgain = attempts > 0 || uncertainSince !== undefined
    if (isAgain && counted.has(record.id)) return
    // First: should an SDK throw, the record is counted in part and never twice.
    counted.add(record.id)
    const { countTokens, countCost } = instruments()
    const attributes = recordAttributes(record, settings)
    countTokens(record, attributes)
    countCost(record, attributes)
  }

  return {
    name,
    bills: false,
    maxBatch: 1000,
    send: async ({ entries }, signal) => {
      if (signal.aborted) return entries.map(() => notNow)
      for (const entry of entries) count(entry)
      return entries.map(() => accepted)
    },
  }
}

const accepted: SinkResult = { status: 'accepted' }
const notNow: SinkResult = { status: 'retry', reason: 'the delivery was stopped' }
