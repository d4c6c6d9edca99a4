import type Stripe from 'stripe'
import { classifyError, type StripeFailure } from '../classify-error.ts'
import type { EventOutcome } from '../event-outcome.ts'
import { requestOptions, type RequestSettings } from '../request-settings.ts'
import type { StripeEvent } from '../to-stripe-events.ts'

/**
 * What became of all events of a request of the stream: one outcome for all, as Stripe takes all
 * or none.
 *
 * - `split`: it was refused, and only one of several events may be to blame.
 * - `session`: it was refused because of its session, and `orElse` is the outcome if a new one does
 *   not help.
 */
export type RequestOutcome =
  | { readonly is: 'final'; readonly outcome: EventOutcome }
  | { readonly is: 'split' }
  | { readonly is: 'session'; readonly orElse: EventOutcome }

/** Sends up to 100 events in one request, once. Never throws. */
export async function postEvents(
  stripe: Stripe,
  events: readonly StripeEvent[],
  token: string,
  request: RequestSettings & { readonly key: string },
): Promise<RequestOutcome> {
  try {
    const options = { ...requestOptions(request, request.key), apiKey: token }
    const answer: unknown = await stripe.v2.billing.meterEventStream.create(
      { events: [...events] },
      options,
    )
    return final(isStripes(answer) ? { status: 'accepted' } : notStripes)
  } catch (error) {
    return meaningOf(error as StripeFailure, events.length)
  }
}

/** The answer of success is `{}`; stripe-node takes any JSON without `error` for it. */
function isStripes(answer: unknown): boolean {
  const { object, lastResponse, ...rest } = answer as StripeObject
  if ((lastResponse?.statusCode ?? 200) >= 300) return false
  // Should Stripe come to name its answer, that must not stop all billing.
  if (object !== undefined) return String(object).startsWith('v2.billing.')
  return Object.keys(rest).length === 0
}

interface StripeObject {
  readonly object?: unknown
  readonly lastResponse?: { readonly statusCode?: number }
}

const notStripes: EventOutcome = {
  status: 'retry',
  reach: 'outage',
  reason: "the answer was JSON, but not Stripe's",
  uncertain: true,
}

function meaningOf(failure: StripeFailure, eventCount: number): RequestOutcome {
  if (isExpired(failure)) {
    const reason = 'Stripe calls a session that it has just made expired'
    return { is: 'session', orElse: { status: 'retry', reach: 'outage', reason } }
  }
  const outcome = classifyError(failure, Date.now())
  if (failure.statusCode === 401) return { is: 'session', orElse: outcome }
  if (outcome.status === 'retry') return final(outcome)
  if (failure.statusCode === 404) return final(noStream(outcome))
  // None of the events was taken, not even where the refusal is that Stripe has one of them.
  return eventCount > 1 ? { is: 'split' } : final(outcome)
}

/** Its status is 401 or 400, so only its names tell it. */
function isExpired({ code, rawType }: StripeFailure): boolean {
  return code === 'billing_meter_event_session_expired' || rawType === 'temporary_session_expired'
}

/** No event can be to blame for an address that Stripe does not know. */
function noStream(outcome: EventOutcome): EventOutcome {
  const why = outcome.status === 'rejected' ? outcome.reason : ''
  const reason = `Stripe has no meter event stream for this account; set api to 'v2': ${why}`
  return { status: 'retry', reach: 'account', reason, afterMs: 60_000 }
}

function final(outcome: EventOutcome): RequestOutcome {
  return { is: 'final', outcome }
}
