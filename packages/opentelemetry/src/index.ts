export { openTelemetrySink } from './opentelemetry-sink.ts'
export type { Convention, OpenTelemetrySinkOptions } from './opentelemetry-sink-options.ts'
export { observeMeter, type ObserveMeterOptions } from './observe-meter.ts'
