import {
  checkKeys,
  defaultEventName,
  isFunction,
  isOneOf,
  isTimerMs,
  modelSlug,
  type ModelSlug,
} from '@token-meter/core/sink'
import { checkOption, isText, isVisible } from './check-option.ts'
import type { CostOption, EventsOption, OpenMeterSinkOptions } from './open-meter-sink-options.ts'

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
  checkOption('name', settings.name, text, isText)
  checkOption('source', settings.source, 'a URI reference such as my-app', isUriReference)
  checkOption('eventType', settings.eventType, text, isText)
  checkOption(
    'events',
    settings.events,
    "'per-token-type' or 'per-record'",
    isOneOf('per-token-type', 'per-record'),
  )
  checkOption(
    'cost',
    settings.cost,
    "'billed', 'provider' or false",
    isOneOf('billed', 'provider', false),
  )
  checkOption('costEventType', settings.costEventType, text, isText)
  const isOther = (type: unknown) => type !== settings.eventType
  // One meter would take the other's events for broken ones of its own.
  checkOption('costEventType', settings.costEventType, 'another type than eventType', isOther)
  checkOption('modelSlug', settings.modelSlug, 'a function', isFunction)
  checkOption('livemode', settings.livemode, 'true or false', isOneOf(true, false))
  const ms = 'a number of ms from 0 up'
  checkOption('duplicateWindowMs', settings.duplicateWindowMs, ms, isDuration)
  checkOption('timeoutMs', settings.timeoutMs, 'a whole number of ms from 1 up', isTimerMs)
  return settings
}

function isUriReference(value: unknown): boolean {
  return isVisible(value) && URL.canParse(value as string, 'http://base.invalid/')
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < Infinity
}
