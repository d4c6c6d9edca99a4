export { openTelemetrySink } from './opentelemetry-sink.ts'
export type { Convention, OpenTelemetrySinkOptions } from './options.ts'
export { observeMeter, type ObserveMeterOptions } from './observe-meter.ts'
