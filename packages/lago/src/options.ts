import {
  ConfigError,
  type ModelSlug,
  type TokenType,
  type UsageRecord,
  checkKeys,
  isCount,
  isFunction,
  isOneOf,
  isText,
  modelSlug,
  optionCheck,
} from '@token-meter/core/sink'
import type { LagoClient } from './lago-client.ts'
import {
  codeByTokenType,
  defaultCode,
  type LagoCode,
  type LagoCost,
  type LagoEventOptions,
  type LagoEvents,
  type TokenTypesOption,
} from './lago-events.ts'

/** Options of `lagoSink`. One of `apiKey` and `client` is needed. */
export interface LagoSinkOptions {
  /** An API key that may write events and read billable metrics. */
  readonly apiKey?: string | undefined
  /**
   * Where Lago is, with or without `/api/v1`: `https://lago.example.com`.
   * @default Lago's cloud, https://api.getlago.com
   */
  readonly apiUrl?: string | undefined
  /**
   * A client of yours, `Client(key)` of lago-javascript-client, in place of `apiKey` and `apiUrl`.
   * Leave its `rateLimitRetry` out: delivery waits better.
   */
  readonly client?: LagoClient | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several Lago sinks. @default 'lago'
   */
  readonly name?: string | undefined
  /**
   * Whether this is production, and not a sandbox or an environment for tests: its key does not show
   * it. Test usage never goes to production unless `outbox.release` says so. @default true
   */
  readonly livemode?: boolean | undefined
  /** @default 'per-record' */
  readonly events?: LagoEvents | undefined
  /**
   * The code of the billable metric. @default LAGO_API_EVENT_CODE, or 'llm_usage', per record; per
   * token type `llm_input_tokens`, `llm_output_tokens`, `llm_cached_input_tokens` and
   * `llm_cache_creation_tokens`
   */
  readonly code?: LagoCode | undefined
  /**
   * The external id of the subscription that pays for a record. While it answers none, or throws,
   * the record waits. It must answer the same for a record for ever. @default the customer
   */
  readonly subscription?: ((record: UsageRecord) => string | undefined) | undefined
  /** @default 'all' */
  readonly tokenTypes?: TokenTypesOption | undefined
  /** How a model is written in the `model` property. @default core's `modelSlug` */
  readonly modelSlug?: ModelSlug | undefined
  /** The amount in `response_cost`, or none. Only per record. @default 'billed' */
  readonly cost?: LagoCost | false | undefined
  /**
   * Sends the amount as `precise_total_amount_cents` too, for charges of the dynamic model. Only
   * per record. @default false
   */
  readonly dynamicCharge?: boolean | undefined
  /**
   * Asks Lago once for each code if there is a billable metric of that name, because Lago takes
   * events of any code and ignores those that it does not know. @default true
   */
  readonly checkCodes?: boolean | undefined
  /**
   * Asks Lago once for each subscription if there is one of that id, because Lago takes events for
   * any. Costs a request for each customer that a process bills. @default false
   */
  readonly checkSubscriptions?: boolean | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
  /** Told once about what works but should be changed. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined
}

/** The options, checked and with their defaults. */
export interface LagoSinkSettings extends LagoEventOptions {
  readonly name: string
  readonly livemode: boolean
  readonly subscription: LagoSinkOptions['subscription']
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
