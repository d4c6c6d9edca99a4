import type { CloudEvent } from './cloud-event.ts'

/** What is used of a client of `@openmeter/sdk`; an `OpenMeter` is one. */
export interface IngestClient {
  readonly events: {
    /** Sends all events in one request, once. */
    ingest(events: CloudEvent[], options?: { signal?: AbortSignal }): Promise<unknown>
  }
}
