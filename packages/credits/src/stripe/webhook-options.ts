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
import type { GrantTerms } from './apply-payment.ts'
import type { Payer } from './payment.ts'

/** What an event came to. Amounts are decimal text, in USD. */
export interface CreditsReport {
  readonly eventId: string
  readonly type: string
  readonly customer: string
  readonly granted: string
  readonly revoked: string
  readonly restored: string
}

/** Options of `creditsWebhook`. */
export interface CreditsWebhookOptions {
  /** Made by `createCredits`. */
  readonly credits: Credits
  /**
   * The application's own client: what an event is about is read with it. A restricted key needs to
   * read invoices, Checkout sessions, subscriptions, prices, charges and refunds, disputes, credit notes
   * and credit grants.
   */
  readonly stripe: Stripe
  /**
   * The signing secret of the endpoint, `whsec_...`; or several, where one is to replace another, or
   * snapshots and thin events come from endpoints of their own.
   */
  readonly webhookSecret: string | readonly string[] | undefined
  /** How old a signature may be, in ms. @default 300000 */
  readonly toleranceMs?: number | undefined
  /** How many days an account goes on while a payment of its fails. @default 3 */
  readonly graceDays?: number | undefined
  /**
   * Whose account a payment is for: the customer that the application's meters name. `null` for a
   * payment that is nobody's. @default the id of Stripe's customer, `cus_...`
   */
  readonly customer?: ((payer: Payer) => string | null | Promise<string | null>) | undefined
  /** From when and until when what a payment bought counts. @default from now on, for ever */
  readonly terms?: ((payer: Payer) => GrantTerms) | undefined
  /** Told what an event changed, once that is written. @default nobody */
  readonly onReport?: ((report: CreditsReport) => void) | undefined
  /** Told what could not be done, and what should be looked at. @default console.warn */
  readonly onError?: ((message: string) => void) | undefined
}

/** Options, checked and with their defaults. */
export interface WebhookSettings {
  readonly inside: CreditsInside
  readonly stripe: Stripe
  readonly webhookSecrets: readonly string[]
  readonly toleranceSeconds: number
  readonly graceMs: number
  readonly customerOf: (payer: Payer) => string | null | Promise<string | null>
  readonly terms: (payer: Payer) => GrantTerms
  readonly onReport: (report: CreditsReport) => void
  readonly warn: (message: string) => void
}

const known: Readonly<Record<keyof CreditsWebhookOptions, true>> = {
  credits: true,
  stripe: true,
  webhookSecret: true,
  toleranceMs: true,
  graceDays: true,
  customer: true,
  terms: true,
  onReport: true,
  onError: true,
}

/** @throws ConfigError */
export function checkedWebhook(options: CreditsWebhookOptions): WebhookSettings {
  checkKeys<CreditsWebhookOptions>('creditsWebhook', options, known)
  const check = optionCheck('creditsWebhook')
  const { stripe, toleranceMs = 300_000, graceDays = 3, customer, terms, onReport } = options
  const { onError = console.warn } = options
  const inside = insideOf('creditsWebhook', options.credits)
  const isClient = (value: unknown) =>
    typeof (value as Stripe | undefined)?.checkout?.sessions?.retrieve === 'function'
  check('stripe', stripe, 'a client of the package stripe', isClient)
  check('toleranceMs', toleranceMs, 'a number of ms above 0', isAboveZero)
  const isDays = (value: unknown) => typeof value === 'number' && value >= 0 && value < 1000
  check('graceDays', graceDays, 'a number of days from 0 up', isDays)
  check('customer', customer ?? isFunction, 'a function', isFunction)
  check('terms', terms ?? isFunction, 'a function', isFunction)
  check('onReport', onReport ?? isFunction, 'a function', isFunction)
  check('onError', onError, 'a function', isFunction)
  return {
    inside,
    stripe,
    webhookSecrets: checkedSecrets(options.webhookSecret),
    toleranceSeconds: Math.ceil(toleranceMs / 1000),
    graceMs: graceDays * 86_400_000,
    customerOf: customer ?? ((payer) => payer.customer),
    terms: terms ?? (() => ({})),
    onReport: onReport ?? (() => {}),
    warn: (message) => onError(message),
  }
}

function checkedSecrets(webhookSecret: unknown): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(webhookSecret) ? webhookSecret : [webhookSecret]
  const isSecret = (secret: unknown) => typeof secret === 'string' && secret !== ''
  if (secrets.length > 0 && secrets.every(isSecret)) {
    const found = secrets as readonly string[]
    if (found.every((secret) => secret.startsWith('whsec_'))) return [...found]
    // Not what it is: it may be another key.
    throw new ConfigError(
      'creditsWebhook: webhookSecret is not the signing secret of a webhook endpoint, which begins with whsec_: take it from the endpoint at Stripe, it is no API key',
    )
  }
  throw new ConfigError(
    'creditsWebhook: webhookSecret is missing; set it to the signing secret (whsec_...) of the webhook endpoint, or to a list of such',
  )
}
