import type { ModelSlug } from '@token-meter/core/sink'
import type { MetronomeClient } from './metronome-client.ts'

/**
 * What the cost property holds: `billed` is what the customer is to pay, `provider` what the
 * provider charges, `false` leaves the property out.
 */
export type CostOption = 'billed' | 'provider' | false

/** What the properties of an event are called, where billable metrics have names of their own. */
export interface PropertyNames {
  /** @default 'model' */
  readonly model?: string
  /** @default 'provider' */
  readonly provider?: string
  /** @default 'input_tokens' */
  readonly input?: string
  /** @default 'cached_input_tokens' */
  readonly cachedInput?: string
  /** @default 'output_tokens' */
  readonly output?: string
  /** @default 'cached_write_tokens' */
  readonly cachedWrite?: string
  /** @default 'cost' */
  readonly cost?: string
}

/** Options of `metronomeSink`. One of `bearerToken` and `client` is needed. */
export interface MetronomeSinkOptions {
  /** An API token of the environment to bill in, sandbox or production, that may ingest usage. */
  readonly bearerToken?: string | undefined
  /** Where Metronome is. @default METRONOME_BASE_URL, or Metronome itself */
  readonly baseUrl?: string | undefined
  /** A client of `@metronome/sdk` of yours, in place of `bearerToken`. Its retries are not used. */
  readonly client?: MetronomeClient | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several Metronome sinks. @default 'metronome'
   */
  readonly name?: string | undefined
  /**
   * Whether this is production, and not a sandbox or an environment for tests: its key does not show
   * it. Test usage never goes to production unless `outbox.release` says so. @default true
   */
  readonly livemode?: boolean | undefined
  /** What billable metrics filter by. Token billing has `token-billing`. @default 'token-billing' */
  readonly eventType?: string | undefined
  /** How a model is written in the `model` property. @default metronomeModelSlug */
  readonly modelSlug?: ModelSlug | undefined
  /** @default the names of Metronome's token billing */
  readonly propertyNames?: PropertyNames | undefined
  /**
   * Which cost each event carries, as the exact decimal of USD in a string, for records that have
   * one. @default 'billed'
   */
  readonly cost?: CostOption | undefined
  /**
   * Events a second, of this process. Metronome takes 100000 from an account, in all processes
   * together. @default 90000
   */
  readonly eventsPerSecond?: number | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
}
