import {
  checkKeys,
  ConfigError,
  isCount,
  isFunction,
  isOneOf,
  isText,
  modelSlug,
  optionCheck,
  type ModelSlug,
  type TokenType,
} from '@token-meter/core/sink'
import { codeByTokenType, defaultCode } from './event-code.ts'
import type {
  LagoCode,
  LagoCost,
  LagoEvents,
  LagoSinkOptions,
  TokenTypesOption,
} from './lago-sink-options.ts'

/** The options, checked and with their defaults. */
export interface LagoSinkSettings {
  readonly name: string
  readonly livemode: boolean
  readonly events: LagoEvents
  readonly code: LagoCode
  readonly subscription: LagoSinkOptions['subscription']
  readonly tokenTypes: TokenTypesOption
  readonly modelSlug: ModelSlug
  readonly cost: LagoCost | false
  readonly dynamicCharge: boolean
  readonly checkCodes: boolean
  readonly checkSubscriptions: boolean
  readonly timeoutMs: number
  readonly onWarning: (message: string) => void
}

const known: Readonly<Record<keyof LagoSinkOptions, true>> = {
  apiKey: true,
  apiUrl: true,
  client: true,
  name: true,
  livemode: true,
  events: true,
  code: true,
  subscription: true,
  tokenTypes: true,
  modelSlug: true,
  cost: true,
  dynamicCharge: true,
  checkCodes: true,
  checkSubscriptions: true,
  timeoutMs: true,
  onWarning: true,
}

/** @throws ConfigError naming the option, what it got and what it takes. */
export function lagoSinkSettings(options: LagoSinkOptions): LagoSinkSettings {
  checkKeys<LagoSinkOptions>('lagoSink', options, known)
  const events = options.events ?? 'per-record'
  const settings: LagoSinkSettings = {
    name: options.name ?? 'lago',
    livemode: options.livemode ?? true,
    events,
    code: options.code ?? (events === 'per-token-type' ? codeByTokenType : defaultCode()),
    subscription: options.subscription,
    tokenTypes: options.tokenTypes ?? 'all',
    modelSlug: options.modelSlug ?? modelSlug,
    cost: options.cost ?? 'billed',
    dynamicCharge: options.dynamicCharge ?? false,
    checkCodes: options.checkCodes ?? true,
    checkSubscriptions: options.checkSubscriptions ?? false,
    timeoutMs: options.timeoutMs ?? 20_000,
    onWarning: options.onWarning ?? ((message) => console.warn(message)),
  }
  const { name, code, tokenTypes, cost, dynamicCharge, timeoutMs } = settings
  check('name', name, 'a string that is not empty', isText)
  check(
    'events',
    events,
    "'per-record' or 'per-token-type'",
    isOneOf('per-record', 'per-token-type'),
  )
  check('code', code, codeWanted, isCode)
  check('subscription', options.subscription ?? isFunction, 'a function', isFunction)
  check('tokenTypes', tokenTypes, "'all' or 'input-output'", isOneOf('all', 'input-output'))
  check('modelSlug', settings.modelSlug, 'a function', isFunction)
  check('cost', cost, "'billed', 'provider' or false", isOneOf('billed', 'provider', false))
  check('dynamicCharge', dynamicCharge, 'true or false', isBoolean)
  check('checkCodes', settings.checkCodes, 'true or false', isBoolean)
  check('checkSubscriptions', settings.checkSubscriptions, 'true or false', isBoolean)
  check('livemode', settings.livemode, 'true or false', isBoolean)
  check('timeoutMs', timeoutMs, 'a whole number of ms from 1 up', isCount)
  check('onWarning', settings.onWarning, 'a function', isFunction)
  checkTogether(options, settings)
  return settings
}

/** Options that each are right and would lose something together. */
function checkTogether(options: LagoSinkOptions, settings: LagoSinkSettings): void {
  const { events, code, cost, dynamicCharge } = settings
  if (events === 'per-record' && typeof code === 'object') {
    throw new ConfigError(
      "lagoSink: code by token type needs events: 'per-token-type'; per record there is one event, so give one code or a function",
    )
  }
  if (events === 'per-token-type' && (dynamicCharge || (options.cost ?? false) !== false)) {
    throw new ConfigError(
      "lagoSink: cost and dynamicCharge need events: 'per-record', because a cost is that of a record and not of one type of its tokens",
    )
  }
  if (dynamicCharge && cost === false) {
    throw new ConfigError(
      "lagoSink: dynamicCharge needs an amount: set cost to 'billed' or 'provider', or leave it out",
    )
  }
}

const check = optionCheck('lagoSink')

const codeWanted =
  'a string that is not empty, such strings by token type (input, output, cached_input, cached_write), or a function'

function isCode(value: unknown): boolean {
  if (isFunction(value) || isText(value)) return true
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const known: readonly string[] = Object.keys(codeByTokenType satisfies Record<TokenType, string>)
  return Object.entries(value).every(([type, code]) => known.includes(type) && isText(code))
}

const isBoolean = isOneOf(true, false)
