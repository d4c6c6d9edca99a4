import type { ModelSlug } from '@token-meter/core/sink'
import type { IngestClient } from './ingest-client.ts'

/**
 * What becomes an event. `per-token-type`: each token type of a record, as OpenMeter's own LLM
 * example has it, for one SUM meter over `$.tokens` grouped by `model` and `type`. `per-record`: the
 * whole record with all its counts, as LiteLLM sends it, for one meter per count.
 */
export type EventsOption = 'per-token-type' | 'per-record'

/** Which cost goes along: what the customer is billed, what the provider charges, or none. */
export type CostOption = 'billed' | 'provider' | false

/** Options of `openMeterSink`. One of `url`, `apiKey` and `client` is needed. */
export interface OpenMeterSinkOptions {
  /**
   * Where OpenMeter is: `http://localhost:8888` (self-hosted), `https://openmeter.cloud`, or
   * `https://us.api.konghq.com/v3/openmeter` (Kong Konnect).
   * @default 'https://openmeter.cloud' where there is a key
   */
  readonly url?: string | undefined
  /** An API key that may ingest events. A self-hosted OpenMeter needs none. */
  readonly apiKey?: string | undefined
  /** An OpenMeter client of yours, in place of `url` and `apiKey`. */
  readonly client?: IngestClient | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several OpenMeter sinks. @default 'openmeter'
   */
  readonly name?: string | undefined
  /**
   * Whether this is production, and not a sandbox or an environment for tests: its key does not show
   * it. Test usage never goes to production unless `outbox.release` says so. @default true
   */
  readonly livemode?: boolean | undefined
  /**
   * The `source` of every event, a URI reference. OpenMeter knows an event by its source and id, so
   * keep it the same for ever, in every process. @default 'token-meter'
   */
  readonly source?: string | undefined
  /** The `type` of the events that carry tokens. @default 'token-billing-tokens' */
  readonly eventType?: string | undefined
  /** @default 'per-token-type' */
  readonly events?: EventsOption | undefined
  /**
   * Sends the cost of records that have one (`createMeter({ cost })`) as `data.cost`, in USD as an
   * exact decimal. A `per-record` event has it beside its counts; with `per-token-type` it is an
   * event of its own, because it is the cost of all types together. @default 'billed'
   */
  readonly cost?: CostOption | undefined
  /** The `type` of the events that carry a cost alone. @default 'token-billing-cost' */
  readonly costEventType?: string | undefined
  /** How a model is written in `data.model`. @default core's `modelSlug` */
  readonly modelSlug?: ModelSlug | undefined
  /**
   * For how long OpenMeter ignores an event that it has already, in ms: `sink.dedupe.config.expiration`
   * of a self-hosted one, and 0 where that has no deduplication. @default 24 hours, as OpenMeter's
   */
  readonly duplicateWindowMs?: number | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
}
