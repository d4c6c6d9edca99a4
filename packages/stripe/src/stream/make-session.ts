import { classifyError, type StripeFailure } from '../classify-error.ts'
import type { EventRetry } from '../event-outcome.ts'
import { requestOptions, type RequestSettings } from '../request-settings.ts'
import type { SinkClient } from '../stripe-client.ts'
import type { NewSession } from './session.ts'

/** What Stripe gives a session, in ms, should it not say. */
const usualLifetimeMs = 15 * 60_000

/** Nothing that passes by itself: there is no hurry. */
const refusedAfterMs = 60_000

/** Asks Stripe for a session. Whatever goes wrong, no event was sent. Never throws. */
export async function makeSession(
  { stripe, during }: SinkClient,
  request: RequestSettings,
  signal: AbortSignal,
): Promise<NewSession | EventRetry> {
  const key = crypto.randomUUID()
  try {
    const session = await during(key, signal, () =>
      stripe.v2.billing.meterEventSession.create({}, requestOptions(request, key)),
    )
    const { authentication_token: token, created, expires_at: expiresAt } = session
    if (typeof token !== 'string' || token === '') {
      const reason = "the answer to a session was JSON, but not Stripe's"
      return { status: 'retry', reach: 'outage', reason }
    }
    const lifetimeMs = Date.parse(expiresAt) - Date.parse(created)
    return { token, lifetimeMs: lifetimeMs > 0 ? lifetimeMs : usualLifetimeMs }
  } catch (error) {
    const outcome = classifyError(error as StripeFailure, Date.now())
    if (outcome.status === 'retry') {
      const { uncertain: _, ...certain } = outcome
      return certain
    }
    const why = outcome.status === 'rejected' ? outcome.reason : 'it is a duplicate'
    const reason = `no session of the stream could be made: ${why}`
    return { status: 'retry', reach: 'account', reason, afterMs: refusedAfterMs }
  }
}
