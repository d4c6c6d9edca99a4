import {
  ConfigError,
  type ModelSlug,
  type TokenCountName,
  checkKeys,
  isAboveZero,
  isFunction,
  isOneOf,
  isText,
  isTimerMs,
  optionCheck,
  tokenTypes,
} from '@token-meter/core/sink'
import type { MetronomeClient } from './metronome-client.ts'
import {
  metronomeModelSlug,
  type CostOption,
  type MetronomeEventOptions,
  type PropertyNames,
} from './metronome-events.ts'

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

/** The options that shape and pace events, checked and with their defaults. */
export interface MetronomeSinkSettings extends MetronomeEventOptions {
  readonly name: string
  readonly livemode: boolean
  readonly eventsPerSecond: number
  readonly timeoutMs: number
}

const known: Readonly<Record<keyof MetronomeSinkOptions, true>> = {
  bearerToken: true,
  baseUrl: true,
  client: true,
  name: true,
  livemode: true,
  eventType: true,
  modelSlug: true,
  propertyNames: true,
  cost: true,
  eventsPerSecond: true,
  timeoutMs: true,
}

/** @throws ConfigError naming the option, what it got and what it takes. */
export function metronomeSinkSettings(options: MetronomeSinkOptions): MetronomeSinkSettings {
  checkKeys<MetronomeSinkOptions>('metronomeSink', options, known)
  const settings = {
    name: options.name ?? 'metronome',
    livemode: options.livemode ?? true,
    eventType: options.eventType ?? 'token-billing',
    modelSlug: options.modelSlug ?? metronomeModelSlug,
    propertyNames: propertyNames(options.propertyNames),
    cost: options.cost ?? 'billed',
    // Below Metronome's own limit, so that what else the account sends has room.
    eventsPerSecond: options.eventsPerSecond ?? 90_000,
    timeoutMs: options.timeoutMs ?? 20_000,
  }
  const { name, eventType, modelSlug, cost, eventsPerSecond, timeoutMs } = settings
  check('name', name, 'a string that is not empty', isText)
  check('eventType', eventType, 'a string that is not empty', isText)
  check('modelSlug', modelSlug, 'a function', isFunction)
  check('cost', cost, "'billed', 'provider' or false", isOneOf('billed', 'provider', false))
  check('eventsPerSecond', eventsPerSecond, 'a number above 0', isAboveZero)
  check('livemode', settings.livemode, 'true or false', isOneOf(true, false))
  check('timeoutMs', timeoutMs, 'a whole number of ms from 1 up', isTimerMs)
  return settings
}

/** @see https://docs.metronome.com/guides/pricing-packaging/billing-model-guides/token-billing */
function tokenBilling(): Required<PropertyNames> {
  const counts = tokenTypes.map(({ count, type }) => [count, `${type}_tokens`] as const)
  return {
    model: 'model',
    provider: 'provider',
    ...(Object.fromEntries(counts) as Record<TokenCountName, string>),
    cost: 'cost',
  }
}

function propertyNames(given: unknown = {}): Required<PropertyNames> {
  check('propertyNames', given, 'an object of names', isObject)
  const names: Record<string, string> = { ...tokenBilling() }
  for (const [key, name] of Object.entries(given as object) as [string, unknown][]) {
    if (!Object.hasOwn(names, key)) {
      const known = Object.keys(names).join(', ')
      throw new ConfigError(`metronomeSink: propertyNames.${key} is not known; it takes ${known}`)
    }
    if (name === undefined) continue
    check(`propertyNames.${key}`, name, 'a string that is not empty', isText)
    names[key] = name as string
  }
  const twice = Object.values(names).find((name, index, all) => all.indexOf(name) !== index)
  if (twice !== undefined) {
    throw new ConfigError(`metronomeSink: propertyNames has "${twice}" twice; give each its own`)
  }
  return names as unknown as Required<PropertyNames>
}

const check = optionCheck('metronomeSink')

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
