/**
 * What is paid at Stripe becomes credit: a webhook for payments, refunds, disputes and subscriptions;
 * and grants that Stripe is to draw become credit grants there.
 * Needs the package `stripe`.
 * @module
 */
export type { GrantTerms } from './stripe/apply-payment.ts'
export { type GrantMirror, type Mirroring, mirrorGrants } from './stripe/mirror.ts'
export type { MirrorOptions } from './stripe/mirror-options.ts'
export type { Payer } from './stripe/payment.ts'
export { creditEvents } from './stripe/subjects.ts'
export { creditsWebhook } from './stripe/webhook.ts'
export type { CreditsReport, CreditsWebhookOptions } from './stripe/webhook-options.ts'
