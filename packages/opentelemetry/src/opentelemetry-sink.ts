/**
 * UsageRecord[] -> OpenTelemetry metrics.
 *
 * record -> attributes (record-attributes) -> usage-metrics, in the memory of the
 * registered SDK, which exports the sums.
 */
import type { BatchEntry, Sink, SinkResult } from '@token-meter/core/sink'
import { costMetric, tokenMetrics } from './usage-metrics.ts'
import { onCurrentProvider } from './current-provider.ts'
import { type OpenTelemetrySinkOptions, openTelemetrySinkSettings } from './options.ts'
import { recordAttributes } from './record-attributes.ts'

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

/** The ids that were added last, up to a number. */
class RecentIds {
  readonly #ids = new Set<string>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  add(id: string): void {
    this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size <= this.#most) return
    for (const oldest of this.#ids) return void this.#ids.delete(oldest)
  }
}
