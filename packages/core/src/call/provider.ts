import {
  checkKeys,
  isFunction,
  isOneOf,
  isText,
  type OptionCheck,
  optionCheck,
} from '../errors/option-check.ts'
import type { Call, Endpoint } from '../wire/endpoint.ts'
import { type AttributesOption, checkAttributes } from './customer.ts'
import { type OnInterrupted, checkOnInterrupted } from './estimates.ts'
import type { ObservedCall } from './observed-call.ts'
import { noteRefusal } from './refusals.ts'
import type { WireProtocol } from '../wire/protocol.ts'
import { ConfigError, MissingCustomerError } from '../errors/errors.ts'

/** Options of one wrapped client. */
export interface ClientOptions {
  /** Extra dimensions of every meter event of this client's calls, beside the meter's own. */
  readonly attributes?: AttributesOption
  /** Who serves the calls, where the host of the base URL does not say (a proxy of your own). */
  readonly provider?: string
  /**
   * Whether streams of OpenAI's chat shape are asked for their usage (`stream_options.include_usage`),
   * which the caller never sees. By default hosts are asked but those that are known to send it anyway,
   * or not known to take it; `true` asks any host, `false` none.
   */
  readonly includeUsage?: boolean
  /**
   * What becomes of the counts that the provider had not given when a response was cut off.
   * @default the meter's own `onInterrupted`
   */
  readonly onInterrupted?: OnInterrupted
  /**
   * Whether calls that the provider bills to the customer's own account (Anthropic's linked billing)
   * are billed by the meter too. @default the meter's own `billLinked`
   */
  readonly billLinked?: boolean
  /**
   * What the calls count against beside the customer's own balance, for a meter with a guard: ids of pools,
   * as of `credits.pool({ id: 'team_7', ... })`. @default none
   */
  readonly pools?: readonly string[]
}

/** Options of one metered `fetch`. */
export interface FetchOptions extends ClientOptions {
  /**
   * What its requests are sent by: the `fetch` of undici, of a proxy agent, of a test. Its own
   * properties are those of the metered one too. @default the global one, as it is at each call
   */
  readonly fetch?: SendingFetch
  /**
   * What the caller gets of a call that the meter's guard refuses. `throw`: the `fetch` rejects with the
   * refusal. `respond`: it answers a `Response` with the status of the refusal (402 where it has none),
   * `x-should-retry: false` and `{ error: { code, type, message, ... } }`, of which SDKs make the error that
   * they make of any answer of that status; a rejection they take for a lost connection, and try again.
   * @default 'throw'
   */
  readonly onRefused?: OnRefused
}

/** How the requests of one caller are metered. */
export interface ObservingOptions extends ClientOptions {
  /**
   * The id of the record of a call, of the first where it has several, unless it is derived from what the
   * provider says (the id of a background response, which may be seen twice). As it stands for one call, an
   * observation with it is made for one request. @default minted for each record
   */
  readonly recordId?: string
  /**
   * Usage of streams is kept in the outbox while they go on (`Outbox.open`), so that a process that is
   * killed loses none of it: at most one write a second and stream, for which nobody waits. @default false
   */
  readonly keepsOpen?: boolean
  /**
   * What all records of the calls are appended with, beside what a guard holds (`AppendOptions.holdIds`): by
   * these, what stands beside the records in the same store knows them, in the transaction that keeps them.
   * @default none
   */
  readonly holdIds?: readonly string[]
}

/** How a metered `fetch` tells a refusal. */
export type OnRefused = 'throw' | 'respond'

/** What can be called as `fetch` is: each `typeof fetch`, and functions without its other properties. */
export type SendingFetch = (
  input: Parameters<typeof fetch>[0],
  init?: RequestInit,
) => Promise<Response>

const knownOfClient: Readonly<Record<keyof ClientOptions, true>> = {
  attributes: true,
  provider: true,
  includeUsage: true,
  onInterrupted: true,
  billLinked: true,
  pools: true,
}

const knownOfFetch: Readonly<Record<keyof FetchOptions, true>> = {
  ...knownOfClient,
  fetch: true,
  onRefused: true,
}

const knownOfObserving: Readonly<Record<keyof ObservingOptions, true>> = {
  ...knownOfClient,
  recordId: true,
  keepsOpen: true,
  holdIds: true,
}

/** @throws ConfigError when an option is wrong. */
export function checkClientOptions(options: ClientOptions): void {
  checkKeys<ClientOptions>('meter()', options, knownOfClient)
  checkOptions(optionCheck('meter()'), options)
}

/** @throws ConfigError when an option is wrong. */
export function checkFetchOptions(options: FetchOptions): void {
  if (isRequestInit(options)) {
    throw new ConfigError(
      `meter.fetch(customer, options) makes a fetch, and was called as one. Write ` +
        `const fetch = meter.fetch('cus_123'), and call or hand on that.`,
    )
  }
  checkKeys<FetchOptions>('meter.fetch()', options, knownOfFetch)
  const check = optionCheck('meter.fetch()')
  checkOptions(check, options)
  check('fetch', options.fetch ?? isFunction, 'a function that sends as fetch does', isFunction)
  check(
    'onRefused',
    options.onRefused ?? 'throw',
    '"throw" or "respond"',
    isOneOf('throw', 'respond'),
  )
}

/** @throws ConfigError when an option is wrong. */
export function checkObservingOptions(options: ObservingOptions): void {
  checkKeys<ObservingOptions>('observing()', options, knownOfObserving)
  const check = optionCheck('observing()')
  checkOptions(check, options)
  check('recordId', options.recordId ?? 'any', 'an id', isText)
  check('keepsOpen', options.keepsOpen ?? true, 'true or false', isOneOf(true, false))
  check('holdIds', options.holdIds ?? [], 'a list of ids', isTexts)
}

const requestParts = ['method', 'headers', 'body', 'signal']

function isRequestInit(value: unknown): boolean {
  return typeof value === 'object' && value !== null && requestParts.some((part) => part in value)
}

function checkOptions(check: OptionCheck, options: ClientOptions): void {
  const { attributes, provider = 'any', includeUsage = true, onInterrupted } = options
  check('billLinked', options.billLinked ?? true, 'true or false', isOneOf(true, false))
  checkAttributes(check, attributes)
  check('provider', provider, 'a name', isText)
  check('includeUsage', includeUsage, 'true or false', isOneOf(true, false))
  checkOnInterrupted(check, onInterrupted)
  check('pools', options.pools ?? [], "a list of ids, such as ['team_7']", isTexts)
}

const isTexts = (value: unknown) => Array.isArray(value) && value.every(isText)

/** What a provider reports the calls of its client to. */
export interface CallObserver {
  /**
   * A call is about to be sent. `free` says that it costs nothing itself (it asks for a response
   * again), so that it is never refused, and nothing is held for it; `isSent` that it has been sent already,
   * so that nothing can be held for it; `startsJob` that work is, for which something is held where it is
   * known who pays. Nothing is sent before its `admission`, where it has one.
   * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
   */
  begin(
    call: Call,
    endpoint: Endpoint,
    options?: {
      readonly free?: boolean
      readonly isSent?: boolean
      readonly startsJob?: boolean
    },
  ): ObservedCall
  /** Reports a fault of the observation. Never throws. */
  fault(what: string, cause?: unknown): void
}

/** How the clients of one SDK are recognised and observed. */
export interface Provider<Client extends object = object> {
  readonly name: string
  /** For error messages: `an OpenAI client (openai 5, 6 or 7)`. */
  readonly clientDescription: string
  /**
   * The HTTP APIs that its clients speak: by them `meter.fetch` knows requests, whoever makes them.
   * @default none: its clients are metered, and a `fetch` is not
   */
  readonly protocols?: readonly WireProtocol[]
  /** By shape, never by class: an application can hold two copies of an SDK. */
  recognises(client: object): client is Client
  /** Returns a client that behaves as the given one and reports its calls. */
  observe<Wrapped extends Client>(
    client: Wrapped,
    observer: CallObserver,
    options: ClientOptions,
  ): Wrapped
}

/**
 * Does the meter's own work before or beside a call; `undefined` where it failed, which is reported.
 * Nothing of the meter reaches the call, but the refusal that the application asked for.
 *
 * @throws MissingCustomerError where the meter refuses calls that nobody pays for.
 */
export function guarded<Value>(observer: CallObserver, work: () => Value): Value | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof MissingCustomerError) {
      noteRefusal(error)
      throw error
    }
    observer.fault('a call could not be observed', error)
    return undefined
  }
}
