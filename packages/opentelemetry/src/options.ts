import type { MeterProvider } from '@opentelemetry/api'
import { checkKeys, isOneOf, isText, optionCheck } from '@token-meter/core/sink'
import { checkMeterProvider } from './current-provider.ts'

/**
 * Which version of the gen_ai semantic conventions the token metrics follow.
 *
 * - `1.36`: `gen_ai.client.token.usage`, with the provider as `gen_ai.system`.
 * - `1.41`: the same, with the provider as `gen_ai.provider.name`.
 * - `latest`: the counters and histograms that came in its place, `gen_ai.client.inference.*`. They
 *   are in development, and may change with a minor version of this package.
 */
export type Convention = '1.36' | '1.41' | 'latest'

export interface OpenTelemetrySinkOptions {
  /** @default the global one, looked up when usage comes, so that it may be registered later */
  readonly meterProvider?: MeterProvider
  /** Keys the progress in the outbox: never change it. @default 'opentelemetry' */
  readonly name?: string
  /**
   * The record attributes that become metric attributes, by name, such as `['feature', 'team']`. Each
   * value of each makes time series of its own: never name one with an id in it. @default none
   */
  readonly attributes?: readonly string[]
  /**
   * Adds who pays as `token_meter.customer`: a set of time series for each customer, so only for a
   * few hundred of them. @default false
   */
  readonly customer?: boolean
  /**
   * Which cost `token_meter.cost` counts, of records that have one (`createMeter({ cost })`): what the
   * customer is billed, or what the provider charges. @default 'billed'
   */
  readonly cost?: 'billed' | 'provider' | false
  /** @default '1.41' */
  readonly convention?: Convention
}

export type OpenTelemetrySinkSettings = Required<Omit<OpenTelemetrySinkOptions, 'meterProvider'>>

const reserved = /^(?:gen_ai|token_meter)\./

const known: Readonly<Record<keyof OpenTelemetrySinkOptions, true>> = {
  meterProvider: true,
  name: true,
  attributes: true,
  customer: true,
  cost: true,
  convention: true,
}

/** @throws ConfigError naming the option, what it got and what it takes. */
export function openTelemetrySinkSettings(
  options: OpenTelemetrySinkOptions,
): OpenTelemetrySinkSettings {
  checkKeys<OpenTelemetrySinkOptions>('openTelemetrySink', options, known)
  const settings = {
    name: options.name ?? 'opentelemetry',
    attributes: options.attributes ?? [],
    customer: options.customer ?? false,
    cost: options.cost ?? 'billed',
    convention: options.convention ?? '1.41',
  } as const
  const { name, attributes, customer, cost, convention } = settings
  checkMeterProvider('openTelemetrySink', options.meterProvider)
  check('name', name, 'a string that is not empty', isText)
  check('attributes', attributes, "names of record attributes, such as ['feature']", areNames)
  const taken = attributes.find((attribute) => reserved.test(attribute))
  const free = `names that do not begin with 'gen_ai.' or 'token_meter.', as "${taken}" does`
  check('attributes', attributes, free, () => taken === undefined)
  check('customer', customer, 'true or false', isOneOf(true, false))
  check('cost', cost, "'billed', 'provider' or false", isOneOf('billed', 'provider', false))
  const conventions = isOneOf('1.36', '1.41', 'latest')
  check('convention', convention, "'1.36', '1.41' or 'latest'", conventions)
  return settings
}

const check = optionCheck('openTelemetrySink')

function areNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText)
}
