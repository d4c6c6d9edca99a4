import {
  checkKeys,
  ConfigError,
  isAboveZero,
  isFunction,
  isOneOf,
  isText,
  isTimerMs,
  optionCheck,
  type ModelSlug,
  type TokenCountName,
  tokenTypes,
} from '@token-meter/core/sink'
import { metronomeModelSlug } from './metronome-model-slug.ts'
import type { CostOption, MetronomeSinkOptions, PropertyNames } from './metronome-sink-options.ts'

/** The options that shape and pace events, checked and with their defaults. */
export interface MetronomeSinkSettings {
  readonly name: string
  readonly livemode: boolean
  readonly eventType: string
  readonly modelSlug: ModelSlug
  readonly propertyNames: Required<PropertyNames>
  readonly cost: CostOption
  readonly eventsPerSecond: number
  readonly timeoutMs: number
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
