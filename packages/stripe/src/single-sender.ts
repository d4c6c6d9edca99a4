import {
  createChunkedSender,
  type EventOutcome,
  type EventSender,
  type QueuedEvent,
  type RateLimiter,
} from '@token-meter/core/sink'
import type Stripe from 'stripe'
import { classifyError, failureThreshold, isReplay, type StripeFailure } from './classify-error.ts'
import { freshKey, requestKey } from './event-ids.ts'
import { requestOptions, type RequestSettings, type SinkClient } from './stripe-client.ts'
import type { StripeEvent } from './stripe-events.ts'
import { aheadOfStripe, outsideDuplicateWindow } from './time-windows.ts'

/**
 * Sends one event a request, to v1 or v2. Stripe processes one request at a time per customer and event
 * name, and answers others with 409: so each such pair is a lane.
 */
export function createSingleSender(
  api: 'v1' | 'v2',
  { stripe, during, wasRepeated }: SinkClient,
  limiter: RateLimiter,
  settings: RequestSettings,
): EventSender<StripeEvent> {
  return createChunkedSender<StripeEvent>({
    name: 'Stripe',
    eventsPerRequest: 1,
    limiter,
    failureThreshold,
    laneOf: ({ payload, event_name }) =>
      JSON.stringify([payload['stripe_customer_id'], event_name]),
    outsideWindow: ({ uncertainSince }, nowMs) => outsideDuplicateWindow(uncertainSince, nowMs),
    async post([queued], { check, signal }) {
      const { event } = queued as QueuedEvent<StripeEvent>
      const key = await requestKey([event])
      check()
      const first = await postWithKey(key, event, signal)
      // v1 keeps a failure or a refusal under its key for a day, so only another key can tell if its
      // cause is over; the identifier still tells a duplicate.
      if (!first.isReplay) return first.outcome
      check()
      const again = await postWithKey(freshKey(key, Date.now()), event, signal)
      return first.outcome.status === 'retry' ? uncertain(again.outcome) : again.outcome
    },
  })

  function postWithKey(key: string, event: StripeEvent, signal: AbortSignal): Promise<Posted> {
    return during(key, signal, async () => {
      const last = await postEvent(api, stripe, event, { ...settings, key })
      return wasRepeated(key) ? { ...last, outcome: uncertain(last.outcome) } : last
    })
  }
}

/** A retry of what an earlier request may have brought to Stripe, whatever the last one says. */
function uncertain(outcome: EventOutcome): EventOutcome {
  return outcome.status === 'retry' ? { ...outcome, uncertain: true } : outcome
}

interface Posted {
  readonly outcome: EventOutcome
  /** Stripe only repeated what it had answered before. */
  readonly isReplay: boolean
}

/** Sends one event, once. Never throws. */
async function postEvent(
  api: 'v1' | 'v2',
  stripe: Stripe,
  event: StripeEvent,
  settings: RequestSettings & { readonly key: string },
): Promise<Posted> {
  const options = requestOptions(settings, settings.key)
  try {
    const { object } =
      api === 'v2'
        ? await stripe.v2.billing.meterEvents.create(event, options)
        : await stripe.billing.meterEvents.create(inSeconds(event), options)
    // stripe-node takes any JSON without `error` for success, also a proxy's 502.
    if (object === answers[api]) return { outcome: { status: 'accepted' }, isReplay: false }
    const reason = "the answer was JSON, but not Stripe's"
    const outcome = { status: 'retry', scope: 'backend', reason, uncertain: true } as const
    return { outcome, isReplay: false }
  } catch (error) {
    const failure = error as StripeFailure
    const ahead = aheadOfStripe(event, failure)
    if (ahead !== undefined) return { outcome: ahead, isReplay: false }
    const outcome = classifyError(failure, Date.now())
    const isKept = outcome.status === 'rejected' || (failure.statusCode ?? 0) >= 500
    return { outcome, isReplay: isKept && isReplay(failure) }
  }
}

const answers = { v1: 'billing.meter_event', v2: 'v2.billing.meter_event' }

/** v1 takes whole unix seconds. */
function inSeconds(event: StripeEvent): Stripe.Billing.MeterEventCreateParams {
  return { ...event, timestamp: Math.floor(Date.parse(event.timestamp) / 1000) }
}
