/**
 * What is paid at Stripe becomes credit: a webhook for payments, refunds, disputes and subscriptions.
 * Needs the package `stripe`.
 * @module
 */
export type { GrantTerms } from './apply-payment.ts'
export type { Payer } from './payment.ts'
export { creditEvents } from './subjects.ts'
export { creditsWebhook } from './webhook.ts'
export type { CreditsReport, CreditsWebhookOptions } from './webhook-options.ts'
