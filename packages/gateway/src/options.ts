/** The options of `createGateway`, their checks, and what becomes of them. */
import type { Meter } from '@token-meter/core/adapter'
import {
  checkKeys,
  ConfigError,
  hasMethod,
  isCount,
  isFunction,
  isOneOf,
  isText,
  isTimerMs,
  optionCheck,
} from '@token-meter/core/adapter'
import type { AccessEntry } from './access-entry.ts'
import type { CallerKeys } from './caller.ts'
import type { Deadlines, OnClientGone } from './exchange/settings.ts'
import type { ChargeBy } from './payer/payer.ts'
import type { StripeHeadersSink } from './stripe-headers/stripe-headers.ts'
import type { Upstream } from './upstream.ts'
import { checkedUpstream, type UpstreamOptions } from './upstream-options.ts'

/** How long the gateway waits, in ms. */
export interface TimeoutOptions {
  /** Until a connection to an upstream is made. @default 10_000 */
  readonly connectMs?: number | undefined
  /** Until an upstream begins to answer: a model may think for long. @default 1_200_000 */
  readonly firstByteMs?: number | undefined
  /** Between two pieces of an answer, and for a caller to take one. @default 1_200_000 */
  readonly idleMs?: number | undefined
  /** Between two pieces of the body of a request that has to be read. @default 60_000 */
  readonly requestIdleMs?: number | undefined
}

/** Options of `createGateway`. */
export interface GatewayOptions {
  /**
   * What meters the requests: its providers read the answers, its outbox keeps what they used, its guard says who
   * may call. The gateway does not close it.
   */
  readonly meter: Meter<never>
  /**
   * By the name that paths begin with: `/{name}/...`. Lower-case letters, digits, `-` and `_`; not a name that
   * paths without an upstream's begin with (`v1`, `chat`, `models`, `health`, `key`, ...).
   */
  readonly upstreams: Readonly<Record<string, UpstreamOptions>>
  /**
   * Who may call: `gatewayKeys({ outbox })`, or what tells callers in another way. @default with an `adminKey`
   * those in the meter's outbox; without one anybody, with any key or none
   */
  readonly keys?: CallerKeys | undefined
  /**
   * Opens `/key/*`, by which keys are made, `/metrics`, and what the provider charges in `/usage/{id}`: as
   * `Authorization: Bearer ...`. At least 8 characters. Without it and without `keys` the gateway is open, and listens
   * on loopback alone.
   */
  readonly adminKey?: string | undefined
  /**
   * Who is charged: `key`: whom the key is bound to (its customer, else its team, else its user) or names;
   * `end_user_id`: whom the request names; `user_id`, `team_id`: the user, or the team, of the key.
   * @default 'key'
   */
  readonly chargeBy?: ChargeBy | undefined
  /**
   * Bills by `stripe-customer-id` with `stripe-restricted-access-key`, for keys with `stripeHeaders: true`: made by
   * `stripeHeaders()`, it is also the meter's Stripe sink. @default such requests are refused
   */
  readonly stripeHeaders?: StripeHeadersSink | undefined
  /** Whether `stripe-customer-id` names who pays, where the key may name customers. @default true */
  readonly customerHeader?: boolean | undefined
  /**
   * Which `metadata.user_id` of a body names who pays, where the key may name customers: the first group, else all
   * of what it matches, which must be the whole text. @default none: coding agents put their session there
   */
  readonly metadataUserId?: RegExp | undefined
  /**
   * What of a key becomes attributes of its records: names of its metadata, and `key_id`, `user_id`, `team_id`.
   * @default none
   */
  readonly attributes?: readonly string[] | undefined
  /**
   * Ids at a provider that every caller may use, such as that of a vector store for all customers. What else was not
   * made through the gateway, or by somebody else, is answered 404. @default none
   */
  readonly sharedObjects?: readonly string[] | undefined
  /** What stands before each path, as `/llm`. @default nothing */
  readonly basePath?: string | undefined
  /** How long the body of a request may be that is read, as it came and decoded, in bytes. @default 64 MiB */
  readonly maxBodyBytes?: number | undefined
  /** How many bytes of such bodies are held at once; beyond it requests are answered 503. @default 512 MiB */
  readonly maxBytesInFlight?: number | undefined
  /**
   * What becomes of a stream whose caller hangs up. `auto`: it is aborted where that stops the provider's bill, and
   * else read to its end, for at most 10 minutes and 32 MiB; `drain` and `abort`: always so. Whole answers are
   * always read to their end. @default 'auto'
   */
  readonly onClientGone?: OnClientGone | undefined
  /** Which web pages may call, by their origins. @default none */
  readonly cors?: { readonly origins: readonly string[] } | undefined
  readonly timeouts?: TimeoutOptions | undefined
  /**
   * What `/health/ready` asks beside the outbox, by name: it throws, or rejects, for what is not as it has to be.
   * @default none
   */
  readonly checks?: Readonly<Record<string, () => unknown>> | undefined
  /** Called with each request once it is over. */
  readonly accessLog?: ((entry: AccessEntry) => void) | undefined
  /** Called with what goes wrong with the gateway itself. @default it is told on the console */
  readonly onError?: ((what: string, cause: unknown) => void) | undefined
}

const defaults = { maxBodyBytes: 64 * 2 ** 20, maxBytesInFlight: 512 * 2 ** 20 }

const defaultDeadlines: Deadlines = {
  connectMs: 10_000,
  firstByteMs: 20 * 60_000,
  idleMs: 20 * 60_000,
  requestIdleMs: 60_000,
}

/** Options as they are used. */
export interface CheckedOptions {
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly basePath: string
  readonly chargeBy: ChargeBy
  readonly customerHeader: boolean
  readonly maxBodyBytes: number
  readonly maxBytesInFlight: number
  readonly onClientGone: OnClientGone
  readonly origins: ReadonlySet<string>
  readonly deadlines: Deadlines
}

const check = optionCheck('createGateway')

/** @throws ConfigError for a wrong option, one that is missing, and one that there is not. */
export function checkedOptions(options: GatewayOptions): CheckedOptions {
  checkKeys('createGateway', options, known)
  check('meter', options.meter, 'a meter, as createMeter() makes it', isFunction)
  check('keys', options.keys, 'keys of the gateway', isLeftOutOr(hasMethod('authenticate')))
  const isLong = isLeftOutOr(
    (value) => typeof value === 'string' && /^[\x21-\x7e]{8,}$/.test(value),
  )
  check('adminKey', options.adminKey, 'a key of at least 8 characters without spaces', isLong)
  const { checks = {} } = options
  const areChecks = () => Object.values(checks).every(isFunction)
  check('checks', checks, 'an object of functions', areChecks)
  const isChargeBy = isOneOf(undefined, 'key', 'end_user_id', 'user_id', 'team_id')
  check('chargeBy', options.chargeBy, "'key', 'end_user_id', 'user_id' or 'team_id'", isChargeBy)
  const isBoolean = isOneOf(undefined, true, false)
  check(
    'stripeHeaders',
    options.stripeHeaders,
    'made by stripeHeaders()',
    isLeftOutOr(hasMethod('holdIdsOf')),
  )
  check('customerHeader', options.customerHeader, 'true or false', isBoolean)
  const isPattern = isLeftOutOr((value) => value instanceof RegExp)
  check('metadataUserId', options.metadataUserId, 'a regular expression', isPattern)
  check('attributes', options.attributes, 'a list of names', isLeftOutOr(isTexts))
  check('sharedObjects', options.sharedObjects, 'a list of ids', isLeftOutOr(isTexts))
  const isPath = isLeftOutOr(
    (value) => typeof value === 'string' && /^(?:\/[\w.~-]+)*$/.test(value),
  )
  check('basePath', options.basePath, 'a path such as /llm, without a slash at its end', isPath)
  check('maxBodyBytes', options.maxBodyBytes, 'a whole number of bytes', isLeftOutOr(isCount))
  check(
    'maxBytesInFlight',
    options.maxBytesInFlight,
    'a whole number of bytes',
    isLeftOutOr(isCount),
  )
  const isGone = isOneOf(undefined, 'auto', 'drain', 'abort')
  check('onClientGone', options.onClientGone, "'auto', 'drain' or 'abort'", isGone)
  check('accessLog', options.accessLog, 'a function', isLeftOutOr(isFunction))
  check('onError', options.onError, 'a function', isLeftOutOr(isFunction))
  const { maxBodyBytes = defaults.maxBodyBytes, maxBytesInFlight = defaults.maxBytesInFlight } =
    options
  if (maxBytesInFlight < maxBodyBytes) {
    throw new ConfigError(
      'createGateway: maxBytesInFlight must be as much as maxBodyBytes, or more',
    )
  }
  return {
    upstreams: checkedUpstreams(options.upstreams),
    basePath: options.basePath ?? '',
    chargeBy: options.chargeBy ?? 'key',
    customerHeader: options.customerHeader ?? true,
    maxBodyBytes,
    maxBytesInFlight,
    onClientGone: options.onClientGone ?? 'auto',
    origins: checkedOrigins(options.cors),
    deadlines: checkedDeadlines(options.timeouts),
  }
}

const known: Readonly<Record<keyof GatewayOptions, true>> = {
  meter: true,
  upstreams: true,
  keys: true,
  adminKey: true,
  chargeBy: true,
  stripeHeaders: true,
  customerHeader: true,
  metadataUserId: true,
  attributes: true,
  sharedObjects: true,
  basePath: true,
  maxBodyBytes: true,
  maxBytesInFlight: true,
  onClientGone: true,
  cors: true,
  timeouts: true,
  checks: true,
  accessLog: true,
  onError: true,
}

function isLeftOutOr(isRight: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || isRight(value)
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

function checkedOrigins(cors: GatewayOptions['cors']): ReadonlySet<string> {
  if (cors === undefined) return new Set()
  checkKeys('createGateway: cors', cors, { origins: true })
  const isOrigin = (value: unknown) =>
    typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value
  const areOrigins = (value: unknown) => Array.isArray(value) && value.every(isOrigin)
  check(
    'cors.origins',
    cors.origins,
    'a list of origins such as https://app.example.com',
    areOrigins,
  )
  return new Set(cors.origins)
}

function checkedDeadlines(timeouts: TimeoutOptions = {}): Deadlines {
  const names: Record<keyof Deadlines, true> = {
    connectMs: true,
    firstByteMs: true,
    idleMs: true,
    requestIdleMs: true,
  }
  checkKeys('createGateway: timeouts', timeouts, names)
  for (const name of Object.keys(names) as (keyof Deadlines)[]) {
    check(
      `timeouts.${name}`,
      timeouts[name],
      'a whole number of ms from 1 up',
      isLeftOutOr(isTimerMs),
    )
  }
  const given = Object.entries(timeouts).filter(([, ms]) => ms !== undefined)
  return { ...defaultDeadlines, ...Object.fromEntries(given) }
}

function checkedUpstreams(given: GatewayOptions['upstreams']): ReadonlyMap<string, Upstream> {
  const isObject = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.keys(value).length > 0
  check('upstreams', given, 'an object with an upstream or more', isObject)
  return new Map(Object.entries(given).map(([name, each]) => [name, checkedUpstream(name, each)]))
}
