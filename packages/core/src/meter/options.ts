import { type AttributesOption, checkAttributes } from '../call/customer.ts'
import { type OnInterrupted, checkOnInterrupted } from '../call/estimates.ts'
import type { Guard } from '../call/guard.ts'
import type { Provider } from '../call/provider.ts'
import type { CostCalculator } from '../cost/price-source.ts'
import { checkCost } from '../cost/pricing.ts'
import type { DeliveryOptions } from '../delivery/options.ts'
import { ConfigError, type TokenMeterError } from '../errors/errors.ts'
import {
  checkKeys,
  hasMethod,
  isDuration,
  isFiniteDuration,
  isFunction,
  isOneOf,
  optionCheck,
} from '../errors/option-check.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { SinkFunction } from '../sink/built-in.ts'
import type { Sink } from '../sink/sink.ts'
import type { Tokenizer } from '../wire/token-estimate.ts'
import type { WaitUntil } from './wait-until.ts'

export interface MeterOptions<Client extends object = object> {
  /** Whose clients can be metered: `[openaiProvider, anthropicProvider]`. */
  readonly providers: readonly Provider<Client>[]
  /**
   * Where usage is kept until it is delivered, and afterwards as a ledger.
   * @default the `TOKEN_METER_OUTBOX` environment variable, else SQLite in `.token-meter/usage.db`,
   * else (no writable disk) memory
   */
  readonly outbox?: Outbox
  /** Where usage is delivered: billing backends, or any async functions. @default none */
  readonly sinks?: readonly (Sink | SinkFunction)[]
  /**
   * Whether usage of this meter is live, or test usage (`record.livemode` is false), which never goes
   * to a live sink unless `outbox.release` says so. @default TOKEN_METER_MODE (`live` or `test`), else
   * live, unless the meter's sinks that bill are all sandboxes
   */
  readonly livemode?: boolean
  /**
   * What usage costs: `cost({ prices, markup })` of `@token-meter/core/cost` adds `cost` to every
   * record, for sinks that bill or show amounts. @default none
   */
  readonly cost?: CostCalculator
  /** Extra dimensions of every meter event. They cannot stand in for customer, value, model or token_type. */
  readonly attributes?: AttributesOption
  /**
   * What becomes of a call that nobody is named for: `record` keeps its usage unattributed, to be
   * attributed later; `throw` refuses the call before it is sent. @default 'record'
   */
  readonly onMissingCustomer?: 'record' | 'throw'
  /**
   * What becomes of the counts that the provider had not given when a response was cut off (a
   * `break`, an abort, a dead socket). `estimate` completes them by estimates, which
   * `details.estimated` names; `partial-only` records what the provider itself said, with the rest
   * as 0 in `tokens` and named in `details.unknown`. A response that has ended, and whose usage is
   * missing all the same, is always estimated, and reported. @default 'estimate'
   */
  readonly onInterrupted?: OnInterrupted
  /**
   * Whether calls are billed that the provider bills to an account of the customer's own: Anthropic's
   * linked billing, which a request asks for by `billing_policy: { bill_to: 'user_profile' }`. By
   * default their records are `unbilled: 'linked'`; `true` bills them as any other, to charge the
   * customer for both. @default false
   */
  readonly billLinked?: boolean
  /**
   * Decides before a call is sent whether it may be, such as `credits.guard()` of `@token-meter/credits`,
   * which refuses what the customer cannot pay. Its refusal is the error of the call. Where it has an
   * `outbox`, that has to be the meter's: the same object. @default none
   */
  readonly guard?: Guard
  /**
   * Counts the text of estimates, such as `gptTokenizer()` of `@token-meter/core/gpt-tokenizer`.
   * @default none: a heuristic by the kinds of characters, mostly within 20 % of OpenAI's count
   */
  readonly tokenizer?: Tokenizer
  /**
   * Told every fault of metering: nothing of it reaches the LLM call.
   * @default one `console.warn` per kind of fault and minute; usage that could not be kept, or that a
   * sink refused for good, is printed whole, as JSON, each time
   */
  readonly onError?: (error: TokenMeterError) => void
  /** How delivery paces itself. */
  readonly delivery?: Partial<DeliveryOptions>
  /**
   * For platforms that freeze or end a process when its requests are answered: after usage it is
   * handed a promise that ends when this usage is delivered, or after 25 s, and never rejects. Usage
   * of one turn of the event loop shares a promise. On Cloudflare Workers
   * `(promise) => ctx.waitUntil(promise)`; elsewhere `waitUntil` of `@vercel/functions`, or `after` of
   * `next/server`. @default Vercel's own, where there is one
   */
  readonly waitUntil?: WaitUntil
  /**
   * How long the end of a metered call, and `record()`, wait until its usage is delivered, in ms,
   * for platforms that freeze the process and have no `waitUntil`; 2000 is a good choice. A backend
   * that fails delays the call by that, and fails none. @default 0: no call waits for a backend
   */
  readonly awaitDeliveryMs?: number
  /** How long settled records stay in the ledger, in ms. @default 35 days */
  readonly retentionMs?: number
}

export interface FlushOptions {
  /** @default 30000 */
  readonly timeoutMs?: number
}

export interface CloseOptions {
  /** @default 10000 */
  readonly timeoutMs?: number
}

/** As long as Stripe takes late meter events. */
export const defaultRetentionMs = 35 * 24 * 60 * 60 * 1000
const defaultTimeoutMs = { flush: 30_000, close: 10_000 } as const

const known: Readonly<Record<keyof MeterOptions, true>> = {
  providers: true,
  outbox: true,
  sinks: true,
  livemode: true,
  cost: true,
  attributes: true,
  onMissingCustomer: true,
  onInterrupted: true,
  billLinked: true,
  guard: true,
  tokenizer: true,
  onError: true,
  delivery: true,
  waitUntil: true,
  awaitDeliveryMs: true,
  retentionMs: true,
}

const check = optionCheck('createMeter')

/**
 * Checks the options of a meter, but for the sinks and `delivery`, which are checked where they are
 * used.
 * @throws ConfigError that names what is wrong, and an option that there is not.
 */
export function checkOptions(options: MeterOptions): void {
  checkKeys<MeterOptions>('createMeter', options, known)
  const { providers, outbox, attributes, tokenizer } = options
  checkProviders(providers)
  if (outbox !== undefined) {
    check('outbox', outbox, 'an outbox, such as sqliteOutbox("usage.db")', hasMethod('append'))
  }
  if (tokenizer !== undefined) check('tokenizer', tokenizer, tokenizerWanted, hasMethod('count'))
  if (options.guard !== undefined) {
    check('guard', options.guard, 'a guard, such as credits.guard()', hasMethod('admit'))
    checkBooks(options.guard, outbox)
  }
  checkAttributes(check, attributes)
  checkOnInterrupted(check, options.onInterrupted)
  checkCost(check, options.cost)
  const { onMissingCustomer = 'record', onError = isFunction, waitUntil = isFunction } = options
  const { billLinked = false, livemode = true, awaitDeliveryMs = 0, retentionMs = 0 } = options
  const isBoolean = isOneOf(true, false)
  const example = 'a function, such as (promise) => ctx.waitUntil(promise)'
  const ways = isOneOf('record', 'throw')
  check('onMissingCustomer', onMissingCustomer, '"record" or "throw"', ways)
  check('billLinked', billLinked, 'true or false', isBoolean)
  check('livemode', livemode, 'true or false', isBoolean)
  check('onError', onError, 'a function', isFunction)
  check('waitUntil', waitUntil, example, isFunction)
  check('awaitDeliveryMs', awaitDeliveryMs, 'a number of ms from 0 up', isFiniteDuration)
  check('retentionMs', retentionMs, 'a number of ms from 0 up', isDuration)
}

/** Holds are settled by records of the same outbox: with those of another, each would be charged or lost by itself. */
function checkBooks({ outbox: own }: Guard, outbox: Outbox | undefined): void {
  if (own === undefined || own === outbox) return
  const what =
    outbox === undefined
      ? 'the meter was given no outbox, and its guard keeps its books in one'
      : 'the outbox of the meter is not the one that its guard keeps its books in'
  throw new ConfigError(
    `createMeter: ${what}: pass the same object to both, such as ` +
      'const outbox = sqliteOutbox("usage.db"); createCredits({ outbox, cost }); createMeter({ outbox, cost, guard })',
  )
}

const tokenizerWanted =
  'an object with a count(text, model) function, such as gptTokenizer() of @token-meter/core/gpt-tokenizer'

function checkProviders(providers: unknown): void {
  check('providers', providers, 'a list of providers, such as [openaiProvider]', Array.isArray)
  for (const [index, provider] of (providers as readonly unknown[]).entries()) {
    const wanted = 'a provider, such as openaiProvider'
    check(`providers[${index}]`, provider, wanted, hasMethod('observe'))
  }
}

/**
 * How long a flush or a close may take, in ms.
 * @throws ConfigError for a `timeoutMs` that is no number from 0 up, and for another option.
 */
export function timeoutOf(method: 'flush' | 'close', options: unknown = {}): number {
  checkKeys<FlushOptions>(`${method}()`, options, { timeoutMs: true })
  const { timeoutMs = defaultTimeoutMs[method] } = options
  optionCheck(`${method}()`)('timeoutMs', timeoutMs, 'a number of ms from 0 up', isDuration)
  return timeoutMs
}
