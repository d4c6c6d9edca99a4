/**
 * A meter's own state -> OpenTelemetry metrics: events become counters, `stats()` becomes gauges.
 * A metric that fails is a missing data point; nothing of it reaches the meter.
 */
import {
  type BatchObservableResult,
  type Meter as OpenTelemetryMeter,
  type MeterProvider,
  ValueType,
} from '@opentelemetry/api'
import { ConfigError, checkKeys } from '@token-meter/core/sink'
import { type WatchedMeter, watchMeter } from '@token-meter/core/adapter'
import { checkMeterProvider, onCurrentProvider } from './current-provider.ts'
import { SinkCounters, outboxGauges, sharedStats } from './delivery-metrics.ts'

export interface ObserveMeterOptions {
  /** @default the global one */
  readonly meterProvider?: MeterProvider
}

/** How long a collection waits for the outbox, in ms; then its gauges are left out. */
const statsTimeoutMs = 5000

/**
 * Shows how the delivery of a meter goes. A zero-config meter is not started by it: there are no
 * metrics until its first use. Register the OpenTelemetry SDK before, or give its `meterProvider`;
 * a global one that comes later is found at the next event.
 * @returns what ends it, for a meter that is closed for good; calling it twice does no harm. The SDK
 *   goes on exporting the last values.
 * @throws ConfigError for what is no meter, or no meter provider.
 */
export function observeMeter(meter: WatchedMeter, options: ObserveMeterOptions = {}): () => void {
  if (typeof meter !== 'function') {
    throw new ConfigError('observeMeter: expected a meter, such as createMeter({ ... }) answers')
  }
  checkKeys<ObserveMeterOptions>('observeMeter', options, { meterProvider: true })
  checkMeterProvider('observeMeter', options.meterProvider)
  const instruments = onCurrentProvider(options.meterProvider, makeInstruments)
  let stats: ReturnType<typeof sharedStats> | undefined
  let ungauge: { readonly from: Instruments; readonly end: () => void } | undefined

  /** The instruments of now, with the gauges on them. */
  const current = (): Instruments => {
    const now = instruments()
    if (ungauge?.from === now) return now
    ungauge?.end()
    const observe = (result: BatchObservableResult) => observeStats(now, stats, result)
    now.meter.addBatchObservableCallback(observe, now.gauges.all)
    const end = () => now.meter.removeBatchObservableCallback(observe, now.gauges.all)
    ungauge = { from: now, end }
    return now
  }

  const listen = ({ on }: WatchedMeter): readonly (() => void)[] => [
    on('usage', () => quietly(current)),
    on('delivered', ({ sink, records }) =>
      quietly(() => current().counters.add(sink, 'delivered', records.length)),
    ),
    on('retrying', ({ sink, records }) =>
      quietly(() => current().counters.add(sink, 'retried', records.length)),
    ),
    on('dead-letter', ({ sink }) => quietly(() => current().counters.add(sink, 'failed', 1))),
    on('error', ({ code }) => quietly(() => current().errors.add(1, { 'error.type': code }))),
  ]

  /** Newest first. */
  const listening: (readonly (() => void)[])[] = []
  const unwatch = watchMeter(meter, (running) => {
    stats = sharedStats(running, statsTimeoutMs)
    // The one before may still be delivering while it closes.
    for (const ends of listening.splice(1)) for (const end of ends) end()
    listening.unshift(listen(running))
    quietly(current)
  })

  return () => {
    unwatch()
    for (const ends of listening.splice(0)) for (const end of ends) end()
    stats = undefined
    quietly(() => ungauge?.end())
  }
}

type Instruments = ReturnType<typeof makeInstruments>

function makeInstruments(meter: OpenTelemetryMeter) {
  return {
    meter,
    counters: new SinkCounters(meter),
    gauges: outboxGauges(meter),
    errors: meter.createCounter('token_meter.errors', {
      unit: '{error}',
      valueType: ValueType.INT,
      description: 'Faults of the metering, by the code of the error.',
    }),
  }
}

async function observeStats(
  { counters, gauges }: Instruments,
  stats: ReturnType<typeof sharedStats> | undefined,
  result: BatchObservableResult,
): Promise<void> {
  if (stats === undefined) return
  const { sinks } = (await stats()) ?? {}
  quietly(() => gauges.observeUp(result, sinks !== undefined))
  for (const [sink, sinkStats] of Object.entries(sinks ?? {})) {
    quietly(() => {
      counters.start(sink)
      gauges.observe(result, sink, sinkStats, Date.now())
    })
  }
}

/** An SDK does not throw; should one, it must not be taken for a fault of the application. */
function quietly(work: () => unknown): void {
  try {
    work()
  } catch {
    // The data point is missing, which is what a dashboard can show.
  }
}
