export { openMeterSink } from './open-meter-sink.ts'
export type { IngestClient, OpenMeterSinkOptions } from './options.ts'
export type { CloudEvent, CostOption, EventsOption } from './cloud-events.ts'
