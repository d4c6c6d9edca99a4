import type Stripe from 'stripe'
import { classifyError, type StripeFailure } from './classify-error.ts'
import type { EventOutcome } from './event-outcome.ts'
import { requestOptions, type RequestSettings } from './request-settings.ts'
import { aheadOfStripe } from './timestamp-window.ts'
import type { StripeEvent } from './to-stripe-events.ts'

/** Sends one event, once. Never throws. */
export async function postEvent(
  api: 'v1' | 'v2',
  stripe: Stripe,
  event: StripeEvent,
  request: RequestSettings & { readonly key: string },
): Promise<EventOutcome> {
  const options = requestOptions(request, request.key)
  try {
    const { object } =
      api === 'v2'
        ? await stripe.v2.billing.meterEvents.create(event, options)
        : await stripe.billing.meterEvents.create(inSeconds(event), options)
    // stripe-node takes any JSON without `error` for success, also a proxy's 502.
    if (object === answers[api]) return { status: 'accepted' }
    const reason = "the answer was JSON, but not Stripe's"
    return { status: 'retry', reach: 'outage', reason, uncertain: true }
  } catch (error) {
    const failure = error as StripeFailure
    return aheadOfStripe(event, failure) ?? classifyError(failure, Date.now())
  }
}

const answers = { v1: 'billing.meter_event', v2: 'v2.billing.meter_event' }

/** v1 takes whole unix seconds. */
function inSeconds(event: StripeEvent): Stripe.Billing.MeterEventCreateParams {
  return { ...event, timestamp: Math.floor(Date.parse(event.timestamp) / 1000) }
}
