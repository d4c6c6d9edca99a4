// Run by process-exit.test.ts: an application that is observed, and does nothing to end that.
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { createMeter, memoryOutbox } from '@token-meter/core'
import { observeMeter, openTelemetrySink } from '../src/index.ts'

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter })
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))

const outbox = memoryOutbox()
const stats = process.argv[2] === 'hangs' ? () => new Promise<never>(() => {}) : outbox.stats
const meter = createMeter({
  providers: [],
  outbox: { ...outbox, stats },
  sinks: [openTelemetrySink()],
})
observeMeter(meter)
await meter.record({ provider: 'openai', model: 'm', customer: 'c', tokens: { input: 1 } })
// A collection is under way when there is nothing left to do.
void reader.forceFlush()
console.log('end')
