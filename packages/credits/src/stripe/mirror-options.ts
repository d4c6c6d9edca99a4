import {
  ConfigError,
  checkKeys,
  isAboveZero,
  isFunction,
  optionCheck,
} from '@token-meter/core/outbox'
import type Stripe from 'stripe'
import type { Credits } from '../credits.ts'
import { type CreditsInside, insideOf } from '../inside.ts'

/** Options of `mirrorGrants`. */
export interface MirrorOptions {
  /** Made by `createCredits`. */
  readonly credits: Credits
  /** The application's own client. A restricted key needs to write credit grants, and to read them. */
  readonly stripe: Stripe
  /**
   * The sink that bills the same customers: `stripeSink({ value: 'cost' })`. Credit at Stripe is money,
   * which only usage by its cost is drawn from one to one.
   */
  readonly sink: object
  /** Stripe's customer of an account, `cus_...`. @default the account's own name */
  readonly customer?: ((customer: string) => string | Promise<string>) | undefined
  /** Ids of metered prices that the credit is for, at most 20. @default all metered prices */
  readonly prices?: readonly string[] | undefined
  /**
   * How long what a plan's period includes is good at Stripe beyond that period, in ms: Stripe draws it
   * when the period's invoice is finalised, some time after its end. @default 3 days
   */
  readonly planGraceMs?: number | undefined
  /** How often it looks for grants that other processes gave, in ms. @default 60000 */
  readonly pollMs?: number | undefined
  /** Told what Stripe would not take; it is tried again. @default console.warn */
  readonly onError?: ((message: string) => void) | undefined
}

/** Options, checked and with their defaults. */
export interface MirrorSettings {
  readonly credits: Credits
  readonly inside: CreditsInside
  readonly stripe: Stripe
  readonly customerOf: (customer: string) => string | Promise<string>
  readonly scope: Stripe.Billing.CreditGrantCreateParams['applicability_config']['scope']
  readonly planGraceMs: number
  readonly pollMs: number
  readonly warn: (message: string) => void
}

const known: Readonly<Record<keyof MirrorOptions, true>> = {
  credits: true,
  stripe: true,
  sink: true,
  customer: true,
  prices: true,
  planGraceMs: true,
  pollMs: true,
  onError: true,
}

/** @throws ConfigError */
export function checkedMirror(options: MirrorOptions): MirrorSettings {
  checkKeys<MirrorOptions>('mirrorGrants', options, known)
  const check = optionCheck('mirrorGrants')
  const { credits, stripe, sink, customer, prices, planGraceMs = 3 * 86_400_000 } = options
  const { pollMs = 60_000, onError = console.warn } = options
  const inside = insideOf('mirrorGrants', credits)
  if ((sink as { readonly value?: unknown } | undefined)?.value !== 'cost') {
    throw new ConfigError(
      "mirrorGrants: sink must be stripeSink({ value: 'cost' }): credit at Stripe is money, and is drawn by what usage costs",
    )
  }
  const isClient = (value: unknown) =>
    typeof (value as Stripe | undefined)?.billing?.creditGrants?.create === 'function'
  check('stripe', stripe, 'a client of the package stripe', isClient)
  check('customer', customer ?? isFunction, 'a function', isFunction)
  const isPrices = (value: unknown) =>
    Array.isArray(value) && value.length > 0 && value.length <= 20
  check('prices', prices ?? ['all'], 'a list of 1 to 20 ids', isPrices)
  check('planGraceMs', planGraceMs, 'a number of ms from 0 up', (ms) => ms === 0 || isAboveZero(ms))
  check('pollMs', pollMs, 'a number of ms above 0', isAboveZero)
  check('onError', onError, 'a function', isFunction)
  return {
    credits,
    inside,
    stripe,
    customerOf: customer ?? ((name) => name),
    scope:
      prices === undefined ? { price_type: 'metered' } : { prices: prices.map((id) => ({ id })) },
    planGraceMs,
    pollMs,
    warn: (message) => onError(message),
  }
}
