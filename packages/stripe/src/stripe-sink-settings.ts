import { ConfigError, defaultEventName, type MeterEvent } from '@token-meter/core/adapter'
import type { StripeSinkOptions, TokenTypesOption } from './stripe-sink-options.ts'

/** The options that pace and shape events, checked and with their defaults. */
export interface StripeSinkSettings {
  readonly name: string
  readonly eventName: string | ((event: MeterEvent) => string)
  readonly tokenTypes: TokenTypesOption
  readonly requestsPerSecond: number
  readonly maxConcurrentRequests: number
  readonly timeoutMs: number
}

/** Below Stripe's own limits, so that what else the account does has room. */
const requestsPerSecondOf = { live: 900, connected: 90, sandbox: 25 }

/** @throws ConfigError naming the option, what it got and what it takes. */
export function stripeSinkSettings(options: StripeSinkOptions): StripeSinkSettings {
  const settings = {
    name: options.name ?? 'stripe',
    eventName: options.eventName ?? defaultEventName,
    tokenTypes: options.tokenTypes ?? 'all',
    requestsPerSecond: options.requestsPerSecond ?? defaultRequestsPerSecond(options),
    maxConcurrentRequests: options.maxConcurrentRequests ?? 32,
    timeoutMs: options.timeoutMs ?? 20_000,
  }
  const { name, eventName, tokenTypes, requestsPerSecond, maxConcurrentRequests, timeoutMs } =
    settings
  check('name', name, 'a string that is not empty', isText)
  check('eventName', eventName, 'a string of 1 to 100 characters or a function', isEventName)
  check('tokenTypes', tokenTypes, "'all' or 'input-output'", isTokenTypes)
  check('modelSlug', options.modelSlug ?? isFunction, 'a function', isFunction)
  check('requestsPerSecond', requestsPerSecond, 'a number above 0', isAboveZero)
  check('maxConcurrentRequests', maxConcurrentRequests, 'a whole number from 1 up', isCount)
  check('timeoutMs', timeoutMs, 'a whole number of ms from 1 up', isCount)
  check('onWarning', options.onWarning ?? isFunction, 'a function', isFunction)
  check('stripeAccount', options.stripeAccount ?? 'acct_', "an id such as 'acct_123'", isAccount)
  return settings
}

function defaultRequestsPerSecond({ apiKey, stripeAccount }: StripeSinkOptions): number {
  if (typeof apiKey === 'string' && apiKey.includes('_test_')) return requestsPerSecondOf.sandbox
  return stripeAccount === undefined ? requestsPerSecondOf.live : requestsPerSecondOf.connected
}

function check(
  name: string,
  value: unknown,
  wanted: string,
  isRight: (value: unknown) => boolean,
): void {
  if (isRight(value)) return
  const got = typeof value === 'number' ? `${value}` : `a value of type ${typeof value}`
  throw new ConfigError(`stripeSink: ${name} must be ${wanted}, got ${got}`)
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isEventName(value: unknown): boolean {
  return isFunction(value) || (isText(value) && (value as string).length <= 100)
}

function isTokenTypes(value: unknown): boolean {
  return value === 'all' || value === 'input-output'
}

function isAboveZero(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function isAccount(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('acct_')
}
