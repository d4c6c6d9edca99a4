import {
  checkKeys,
  ConfigError,
  isCount,
  isFunction,
  isOneOf,
  optionCheck,
} from '@token-meter/core/outbox'
import { parseAmount } from '../amount.ts'

/** How a guard decides, `credits.guard(options)`. */
export interface GuardOptions {
  /**
   * The tokens of output that are held for each answer of a call that does not cap them itself
   * (`max_tokens` and its kin). Never sent to the provider: a model that writes more than that uses
   * more than was held. @default 4096
   */
  readonly defaultMaxOutput?: number
  /**
   * The most tokens of output that a model can write, where the application knows it: less than that is
   * held then. @default nobody knows
   */
  readonly modelMaxOutput?: (model: string, provider: string) => number | undefined
  /**
   * How the input of a call is counted before it is sent: `likely` by the kinds of its characters,
   * mostly within 20 %; `bound` by its bytes, which no model makes more tokens of, about four times
   * as much for English. @default 'likely'
   */
  readonly estimate?: 'likely' | 'bound'
  /**
   * What becomes of a call whose input is not all in its request (ids of files, URLs, images, a previous
   * response, stored prompts, tools that the provider runs): `hold` holds `unboundedInput` tokens more,
   * `refuse` lets it not go. @default 'hold'
   */
  readonly unbounded?: 'hold' | 'refuse'
  /** The tokens of input that are held for what is not in the request. @default 8192 */
  readonly unboundedInput?: number
  /**
   * What becomes of a call of which no price is known: it is refused, or this is held for it.
   * @default 'refuse'
   */
  readonly unknownPrice?: 'refuse' | { readonly usd: string }
  /**
   * What becomes of a call of a customer without any account, and of one that nobody is named for:
   * `allow` lets them go, with nothing held. @default 'refuse'
   */
  readonly unknownCustomer?: 'refuse' | 'allow'
  /**
   * What becomes of a call while the store of the books cannot be asked: `refuse` it with a
   * CreditsUnavailableError, or `allow` it, tell the event `error`, and charge its record once the
   * store is back. A file that another process is writing to is waited for. @default 'refuse'
   */
  readonly onStoreError?: 'refuse' | 'allow'
  /** How long a call waits for its hold at the most, in ms. @default 2000 */
  readonly holdTimeoutMs?: number
  /**
   * How long a hold stands without a sign of life of its process, in ms; while a call lives it is
   * renewed. One that ends so is charged for its input. @default 60000
   */
  readonly leaseMs?: number
  /**
   * What becomes of a stream that writes more than was held for it: `finish` lets it end, and charges all
   * of it; `extend` holds more in steps while it goes on, and ends it with an InsufficientCreditsError
   * when there is no more. Streams of text only. @default 'finish'
   */
  readonly onExhausted?: 'finish' | 'extend'
}

/** The same, checked and complete. */
export interface GuardSettings extends Required<Omit<GuardOptions, 'unknownPrice'>> {
  /** In parts of a dollar; `undefined`: such a call is refused. */
  readonly unknownPrice: bigint | undefined
}

const known: Readonly<Record<keyof GuardOptions, true>> = {
  defaultMaxOutput: true,
  modelMaxOutput: true,
  estimate: true,
  unbounded: true,
  unboundedInput: true,
  unknownPrice: true,
  unknownCustomer: true,
  onStoreError: true,
  holdTimeoutMs: true,
  leaseMs: true,
  onExhausted: true,
}

/** The longest that a timer can take. */
const longestMs = 2 ** 31 - 1

const check = optionCheck('guard')
const isMs = (value: unknown) => isCount(value) && (value as number) <= longestMs
const isTokens = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0

/** @throws ConfigError for a wrong option. */
export function guardSettings(options: GuardOptions): GuardSettings {
  checkKeys<GuardOptions>('guard', options, known)
  const { defaultMaxOutput = 4096, modelMaxOutput = () => undefined, estimate = 'likely' } = options
  const { unbounded = 'hold', unboundedInput = 8192, unknownPrice = 'refuse' } = options
  const { unknownCustomer = 'refuse', onStoreError = 'refuse', onExhausted = 'finish' } = options
  const { holdTimeoutMs = 2000, leaseMs = 60_000 } = options
  check('defaultMaxOutput', defaultMaxOutput, 'a whole number of tokens from 1 up', isCount)
  const wanted = 'a function of a model and its provider, which returns tokens'
  check('modelMaxOutput', modelMaxOutput, wanted, isFunction)
  check('estimate', estimate, '"likely" or "bound"', isOneOf('likely', 'bound'))
  check('unbounded', unbounded, '"hold" or "refuse"', isOneOf('hold', 'refuse'))
  check('unboundedInput', unboundedInput, 'a whole number of tokens from 0 up', isTokens)
  check('unknownCustomer', unknownCustomer, '"refuse" or "allow"', isOneOf('refuse', 'allow'))
  check('onStoreError', onStoreError, '"refuse" or "allow"', isOneOf('refuse', 'allow'))
  check('onExhausted', onExhausted, '"finish" or "extend"', isOneOf('finish', 'extend'))
  check('holdTimeoutMs', holdTimeoutMs, 'a whole number of ms from 1 up', isMs)
  check('leaseMs', leaseMs, 'a whole number of ms from 1 up', isMs)
  return {
    defaultMaxOutput,
    modelMaxOutput,
    estimate,
    unbounded,
    unboundedInput,
    unknownPrice: unknownPrice === 'refuse' ? undefined : heldWithoutPrice(unknownPrice),
    unknownCustomer,
    onStoreError,
    holdTimeoutMs,
    leaseMs,
    onExhausted,
  }
}

function heldWithoutPrice(amount: unknown): bigint {
  try {
    const parts = parseAmount((amount as { readonly usd?: unknown } | null)?.usd, 'usd')
    if (parts >= 0n) return parts
  } catch {
    // Said below.
  }
  throw new ConfigError(`guard: unknownPrice must be 'refuse' or an amount such as { usd: '0.05' }`)
}
