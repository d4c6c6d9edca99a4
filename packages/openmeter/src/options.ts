import {
  type ModelSlug,
  checkKeys,
  defaultEventName,
  isFiniteDuration,
  isFunction,
  isOneOf,
  isTimerMs,
  modelSlug,
  optionCheck,
} from '@token-meter/core/sink'
import type { CloudEvent, CostOption, EventsOption } from './cloud-events.ts'

/** What is used of a client of `@openmeter/sdk`; an `OpenMeter` is one. */
export interface IngestClient {
  readonly events: {
    /** Sends all events in one request, once. */
    ingest(events: CloudEvent[], options?: { signal?: AbortSignal }): Promise<unknown>
  }
}

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

/** The options that shape and send events, checked and with their defaults. */
export interface OpenMeterSinkSettings {
  readonly name: string
  readonly livemode: boolean
  readonly source: string
  readonly eventType: string
  readonly events: EventsOption
  readonly cost: CostOption
  readonly costEventType: string
  readonly modelSlug: ModelSlug
  readonly duplicateWindowMs: number
  readonly timeoutMs: number
}

const dayMs = 24 * 60 * 60_000

const known: Readonly<Record<keyof OpenMeterSinkOptions, true>> = {
  url: true,
  apiKey: true,
  client: true,
  name: true,
  livemode: true,
  source: true,
  eventType: true,
  events: true,
  cost: true,
  costEventType: true,
  modelSlug: true,
  duplicateWindowMs: true,
  timeoutMs: true,
}

/** @throws ConfigError naming the option, what it got and what it takes. */
export function openMeterSinkSettings(options: OpenMeterSinkOptions): OpenMeterSinkSettings {
  checkKeys<OpenMeterSinkOptions>('openMeterSink', options, known)
  const settings = {
    name: options.name ?? 'openmeter',
    livemode: options.livemode ?? true,
    source: options.source ?? 'token-meter',
    eventType: options.eventType ?? defaultEventName,
    events: options.events ?? 'per-token-type',
    cost: options.cost ?? 'billed',
    costEventType: options.costEventType ?? 'token-billing-cost',
    modelSlug: options.modelSlug ?? modelSlug,
    duplicateWindowMs: options.duplicateWindowMs ?? dayMs,
    timeoutMs: options.timeoutMs ?? 20_000,
  }
  const text = 'a string that is not empty'
  check('name', settings.name, text, isText)
  check('source', settings.source, 'a URI reference such as my-app', isUriReference)
  check('eventType', settings.eventType, text, isText)
  check(
    'events',
    settings.events,
    "'per-token-type' or 'per-record'",
    isOneOf('per-token-type', 'per-record'),
  )
  check(
    'cost',
    settings.cost,
    "'billed', 'provider' or false",
    isOneOf('billed', 'provider', false),
  )
  check('costEventType', settings.costEventType, text, isText)
  const isOther = (type: unknown) => type !== settings.eventType
  // One meter would take the other's events for broken ones of its own.
  check('costEventType', settings.costEventType, 'another type than eventType', isOther)
  check('modelSlug', settings.modelSlug, 'a function', isFunction)
  check('livemode', settings.livemode, 'true or false', isOneOf(true, false))
  const ms = 'a number of ms from 0 up'
  check('duplicateWindowMs', settings.duplicateWindowMs, ms, isFiniteDuration)
  check('timeoutMs', settings.timeoutMs, 'a whole number of ms from 1 up', isTimerMs)
  return settings
}

function isUriReference(value: unknown): boolean {
  return isVisible(value) && URL.canParse(value as string, 'http://base.invalid/')
}

const check = optionCheck('openMeterSink')

/** More than white space. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== ''
}

/** Visible ASCII, which a URI reference and a key have only. */
export function isVisible(value: unknown): boolean {
  return typeof value === 'string' && /^[!-~]+$/.test(value)
}
