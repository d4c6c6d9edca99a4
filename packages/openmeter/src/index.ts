export { openMeterSink } from './open-meter-sink.ts'
export type { CostOption, EventsOption, OpenMeterSinkOptions } from './open-meter-sink-options.ts'
export type { IngestClient } from './ingest-client.ts'
export type { CloudEvent } from './cloud-event.ts'
