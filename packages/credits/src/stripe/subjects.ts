import type Stripe from 'stripe'

/** What an event is about, by its type. */
export type Subject =
  | 'invoice'
  | 'session'
  | 'subscription'
  | 'charge'
  | 'refund'
  | 'dispute'
  | 'credit note'
  | 'credit grant'

const subjects: Readonly<Record<string, Subject>> = {
  'invoice.paid': 'invoice',
  'invoice.payment_succeeded': 'invoice',
  'invoice.payment_failed': 'invoice',
  'invoice.payment_action_required': 'invoice',
  'invoice.voided': 'invoice',
  'invoice.marked_uncollectible': 'invoice',
  'checkout.session.completed': 'session',
  'checkout.session.async_payment_succeeded': 'session',
  'checkout.session.async_payment_failed': 'session',
  'charge.refunded': 'charge',
  'charge.refund.updated': 'refund',
}

/** `undefined` for events that are about nothing here. */
export function subjectOf(type: string): Subject | undefined {
  if (type.startsWith('customer.subscription.')) return 'subscription'
  if (type.startsWith('refund.')) return 'refund'
  if (type.startsWith('charge.dispute.')) return 'dispute'
  if (type.startsWith('credit_note.')) return 'credit note'
  if (type.startsWith('billing.credit_grant.')) return 'credit grant'
  return Object.hasOwn(subjects, type) ? subjects[type] : undefined
}

/** The events that `creditsWebhook` looks at, to enable at an endpoint. */
export const creditEvents: Stripe.WebhookEndpointCreateParams.EnabledEvent[] = [
  'invoice.paid',
  'invoice.payment_failed',
  'invoice.voided',
  'invoice.marked_uncollectible',
  'checkout.session.completed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.async_payment_failed',
  'customer.subscription.created',
  'customer.subscription.updated',
  'customer.subscription.deleted',
  'charge.refunded',
  'refund.created',
  'refund.updated',
  'refund.failed',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.closed',
  'credit_note.created',
  'credit_note.updated',
  'credit_note.voided',
  'billing.credit_grant.created',
  'billing.credit_grant.updated',
]
