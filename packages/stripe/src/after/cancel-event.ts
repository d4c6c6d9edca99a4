import type { StripeEvent } from '../to-stripe-events.ts'
import type { AfterTheFact } from './after-the-fact.ts'

/**
 * Asks Stripe to take one event back. Asking again within a day is the same request.
 * @throws what stripe-node throws.
 */
export async function cancelEvent(
  { stripe, request }: AfterTheFact,
  api: 'v1' | 'v2',
  { event_name, identifier }: StripeEvent,
): Promise<void> {
  const adjustments =
    api === 'v1' ? stripe.billing.meterEventAdjustments : stripe.v2.billing.meterEventAdjustments
  await adjustments.create(
    { event_name, type: 'cancel', cancel: { identifier } },
    { ...request, idempotencyKey: `cancel:${identifier}` },
  )
}
