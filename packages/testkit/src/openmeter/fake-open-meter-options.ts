import type { FakeServerOptions } from '../http/fake-server.ts'

/** How a fake OpenMeter behaves. */
export interface FakeOpenMeterOptions extends FakeServerOptions {
  /** The key that is accepted; `null`: none is asked for, as by a self-hosted one. @default 'om_fake' */
  readonly apiKey?: string | null
  /** False: the key may not ingest, and every request gets a 403. @default true */
  readonly mayIngest?: boolean
  /** Which API there is: v1 answers 204, v3 (Kong Konnect) 202. @default 'v1' */
  readonly api?: 'v1' | 'v3'
  /** A path that everything is below, such as `/billing`. @default none */
  readonly prefix?: string
  /** How long an event is known, so that it is ignored. 0: no deduplication. @default 24 hours */
  readonly duplicateWindowMs?: number
  /** A longer body gets a proxy's 413. @default Infinity */
  readonly maxBodyBytes?: number
}
