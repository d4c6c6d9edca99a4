import {
  ConfigError,
  type MeterEvent,
  type ModelSlug,
  defaultEventName,
  isAboveZero,
  isCount,
  isFunction,
  isOneOf,
  isText,
  optionCheck,
} from '@token-meter/core/sink'
import type Stripe from 'stripe'
import type { CostUnit } from './whole-units.ts'
import { keyMode } from './api-key.ts'
import {
  costEventName,
  type CostOption,
  type StripeEventOptions,
  type TokenTypesOption,
  type ValueOption,
} from './stripe-events.ts'

/**
 * The way events take. `v2`: one a request, checked before it is answered. `v1`: the same, for
 * accounts and tools that know v1 only. `stream`: 100 a request, ten times as many a second, and
 * checked only afterwards.
 */
export type StripeApi = 'v1' | 'v2' | 'stream'

/** Options of `stripeSink`. One of `apiKey` and `stripe` is needed. */
export interface StripeSinkOptions {
  /**
   * A restricted key (`rk_`) with the permission "Billing meter events: Write" and no other.
   * A secret key (`sk_`) works too, with a warning.
   */
  readonly apiKey?: string | undefined
  /** @default 'v2' */
  readonly api?: StripeApi | undefined
  /**
   * A Stripe client of yours, in place of `apiKey`. Its retries are not used. A send that is
   * aborted cannot stop its requests, only stop waiting for them.
   */
  readonly stripe?: Stripe | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several Stripe sinks. @default 'stripe'
   */
  readonly name?: string | undefined
  /**
   * Whether it bills for real, where no key shows it. Test
   * usage never goes to a live sink unless `outbox.release` says so. @default what the key shows, else
   * true
   */
  readonly livemode?: boolean | undefined
  /**
   * `cost` bills money by one meter, whatever the models and without dimensions, and needs
   * `createMeter({ cost })`: a record without a cost is rejected. It belongs to `name`: to bill by the
   * other, or by both, make another sink with another name. @default 'tokens'
   */
  readonly value?: ValueOption | undefined
  /** With `value: 'cost'`, which of the record's amounts. @default 'billed' */
  readonly cost?: CostOption | undefined
  /**
   * With `value: 'cost'`, what the meter counts. Each event is rounded half up to whole units, and
   * sent where that leaves any: nano-dollars where single calls cost about a millionth of a dollar.
   * The price at Stripe is for this unit, so never change it for a meter. @default 'micro-usd'
   */
  readonly costUnit?: CostUnit | undefined
  /**
   * The meter's event name, 1 to 100 characters; or a function that names it by the event, where
   * each token type or model has a meter of its own. With `value: 'cost'` the function sees `cost`
   * for the token type. @default 'token-billing-tokens', or 'llm-cost' with `value: 'cost'`
   */
  readonly eventName?: string | ((event: MeterEvent) => string) | undefined
  /** With `value: 'tokens'`. @default 'all' */
  readonly tokenTypes?: TokenTypesOption | undefined
  /** How a model is written in the `model` dimension. @default core's `modelSlug` */
  readonly modelSlug?: ModelSlug | undefined
  /**
   * Requests per second, of this process. Stripe allows an account 1000 with a live key, a
   * connected account 100 and a sandbox 25, in all processes together.
   * @default 25 with a `_test_` key, 90 with `stripeAccount`, 900 otherwise
   */
  readonly requestsPerSecond?: number | undefined
  /** Events per second in the stream, of this process. Stripe allows 10000 with a live key. @default 9000 */
  readonly eventsPerSecond?: number | undefined
  /**
   * Requests in flight at a time; but for the stream always 1 for one customer and event name.
   * @default 32
   */
  readonly maxConcurrentRequests?: number | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
  /** Where Stripe is, for tests: `http://127.0.0.1:12111`. @default Stripe itself */
  readonly baseUrl?: string | undefined
  /** The connected account to bill on, `acct_...`. @default the key's own account */
  readonly stripeAccount?: string | undefined
  /** Told once about what works but should be changed. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** The options that pace and shape events, checked and with their defaults. */
export interface StripeSinkSettings extends Omit<StripeEventOptions, 'modelSlug'> {
  readonly name: string
  readonly livemode: boolean
  readonly api: StripeApi
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
