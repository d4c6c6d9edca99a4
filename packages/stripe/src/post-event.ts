import type Stripe from 'stripe'
import { classifyError, type StripeFailure } from './classify-error.ts'
import type { EventOutcome } from './event-outcome.ts'
import type { StripeEvent } from './to-stripe-events.ts'

/** How every request of a sink is made. */
export interface RequestSettings {
  readonly timeoutMs: number
  readonly stripeAccount: string | undefined
}

/** Sends one event, once: to try again is the delivery's. Never throws. */
export async function postEvent(
  stripe: Stripe,
  event: StripeEvent,
  { timeoutMs, stripeAccount }: RequestSettings,
): Promise<EventOutcome> {
  try {
    const answer = await stripe.v2.billing.meterEvents.create(event, {
      idempotencyKey: event.identifier,
      maxNetworkRetries: 0,
      timeout: timeoutMs,
      ...(stripeAccount === undefined ? {} : { stripeAccount }),
    })
    // stripe-node takes any JSON without `error` for success, also a proxy's 502.
    if (answer.object === 'v2.billing.meter_event') return { status: 'accepted' }
    const reason = "the answer was JSON, but not Stripe's"
    return { status: 'retry', reach: 'outage', reason, uncertain: true }
  } catch (error) {
    return classifyError(error as StripeFailure, Date.now())
  }
}
