import {
  ConfigError,
  defaultEventName,
  isAboveZero,
  isCount,
  isFunction,
  isOneOf,
  isText,
  optionCheck,
  type MeterEvent,
} from '@token-meter/core/sink'
import { keyMode } from './api-key.ts'
import { costEventName } from './cost-value.ts'
import type {
  CostOption,
  StripeApi,
  StripeSinkOptions,
  TokenTypesOption,
  ValueOption,
} from './stripe-sink-options.ts'
import type { CostUnit } from './whole-units.ts'

/** The options that pace and shape events, checked and with their defaults. */
export interface StripeSinkSettings {
  readonly name: string
  readonly livemode: boolean
  readonly api: StripeApi
  readonly value: ValueOption
  readonly cost: CostOption
  readonly costUnit: CostUnit
  readonly eventName: string | ((event: MeterEvent) => string)
  readonly tokenTypes: TokenTypesOption
  readonly requestsPerSecond: number
  /** `Infinity` where each event is a request. */
  readonly eventsPerSecond: number
  readonly maxConcurrentRequests: number
  readonly timeoutMs: number
  /** Records in one batch at the most. */
  readonly maxBatch: number
}

/** Every option of the sink. */
export const sinkOptions: Readonly<Record<keyof StripeSinkOptions, true>> = {
  apiKey: true,
  api: true,
  stripe: true,
  name: true,
  livemode: true,
  value: true,
  cost: true,
  costUnit: true,
  eventName: true,
  tokenTypes: true,
  modelSlug: true,
  requestsPerSecond: true,
  eventsPerSecond: true,
  maxConcurrentRequests: true,
  timeoutMs: true,
  baseUrl: true,
  stripeAccount: true,
  onWarning: true,
}

/** Below Stripe's own limits, so that what else the account does has room. */
const requestsPerSecondOf = { live: 900, connected: 90, sandbox: 25 }

/** @throws ConfigError naming the option, what it got and what it takes. */
export function stripeSinkSettings(options: StripeSinkOptions): StripeSinkSettings {
  const { api = 'v2', value = 'tokens' } = options
  const requestsPerSecond = options.requestsPerSecond ?? defaultRequestsPerSecond(options)
  const settings = {
    name: options.name ?? 'stripe',
    livemode: livemodeOf(options),
    api,
    value,
    cost: options.cost ?? 'billed',
    costUnit: options.costUnit ?? 'micro-usd',
    eventName: options.eventName ?? (value === 'cost' ? costEventName : defaultEventName),
    tokenTypes: options.tokenTypes ?? 'all',
    requestsPerSecond,
    eventsPerSecond: api === 'stream' ? (options.eventsPerSecond ?? 9000) : Infinity,
    maxConcurrentRequests: options.maxConcurrentRequests ?? 32,
    timeoutMs: options.timeoutMs ?? 20_000,
    maxBatch: api === 'stream' ? 1000 : singleBatch(requestsPerSecond),
  }
  const { name, eventName, tokenTypes, eventsPerSecond, maxConcurrentRequests, timeoutMs } =
    settings
  check('name', name, 'a string that is not empty', isText)
  check('api', api, "'v1', 'v2' or 'stream'", isOneOf('v1', 'v2', 'stream'))
  check('value', value, "'tokens' or 'cost'", isOneOf('tokens', 'cost'))
  checkCostOptions(options, settings)
  check('eventName', eventName, 'a string of 1 to 100 characters or a function', isEventName)
  check('tokenTypes', tokenTypes, "'all' or 'input-output'", isOneOf('all', 'input-output'))
  check('modelSlug', options.modelSlug ?? isFunction, 'a function', isFunction)
  check('requestsPerSecond', requestsPerSecond, 'a number above 0', isAboveZero)
  check('eventsPerSecond', eventsPerSecond, 'a number above 0', isAboveZero)
  check('maxConcurrentRequests', maxConcurrentRequests, 'a whole number from 1 up', isCount)
  check('timeoutMs', timeoutMs, 'a whole number of ms from 1 up', isCount)
  check('onWarning', options.onWarning ?? isFunction, 'a function', isFunction)
  check('stripeAccount', options.stripeAccount ?? 'acct_', "an id such as 'acct_123'", isAccount)
  return settings
}

function defaultRequestsPerSecond({ apiKey, stripeAccount }: StripeSinkOptions): number {
  if (keyMode(apiKey) === false) return requestsPerSecondOf.sandbox
  return stripeAccount === undefined ? requestsPerSecondOf.live : requestsPerSecondOf.connected
}

/** By the key, which says so itself. */
function livemodeOf({ apiKey, stripe, livemode }: StripeSinkOptions): boolean {
  check('livemode', livemode ?? true, 'true or false', isOneOf(true, false))
  // stripe-node keeps the key of a client there; where a version does not, `livemode` says it.
  const client = stripe as { readonly _authenticator?: { readonly _apiKey?: unknown } } | undefined
  const shown = keyMode(apiKey ?? client?._authenticator?._apiKey)
  if (shown !== undefined && livemode !== undefined && livemode !== shown) {
    throw new ConfigError(
      `stripeSink: livemode is ${livemode}, and the key is one for ${shown ? 'live mode' : 'a sandbox'}: leave livemode out`,
    )
  }
  return shown ?? livemode ?? true
}

/**
 * As many records as four batches of four events each can send in half a minute, well within the
 * time that delivery gives a send.
 */
function singleBatch(requestsPerSecond: number): number {
  return Math.max(1, Math.min(100, Math.floor((requestsPerSecond * 30) / 16)))
}

const check = optionCheck('stripeSink')

/** Without `value: 'cost'` they would bill tokens where money was meant. */
function checkCostOptions(
  options: StripeSinkOptions,
  { value, cost, costUnit }: StripeSinkSettings,
): void {
  check('cost', cost, "'billed' or 'provider'", isOneOf('billed', 'provider'))
  check('costUnit', costUnit, "'micro-usd' or 'nano-usd'", isOneOf('micro-usd', 'nano-usd'))
  if (value === 'cost') return
  for (const name of ['cost', 'costUnit'] as const) {
    if (options[name] === undefined) continue
    throw new ConfigError(`stripeSink: ${name} is for value: 'cost', which is not set`)
  }
}

function isEventName(value: unknown): boolean {
  return isFunction(value) || (isText(value) && (value as string).length <= 100)
}

function isAccount(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('acct_')
}
