/**
 * Events -> the meter event stream, 100 a request, several requests at a time, all with one session:
 *
 *     session ──> sent ──200──────────────> accepted
 *        ▲         │ └──anything else─────> as everywhere (core's chunked sender)
 *        └─────────┴──its session is over, once
 */
import {
  createChunkedSender,
  wrongSetupAfterMs,
  type EventOutcome,
  type EventRetry,
  type EventSender,
  type RateLimiter,
} from '@token-meter/core/sink'
import type Stripe from 'stripe'
import { classifyError, failureThreshold, type StripeFailure } from './classify-error.ts'
import { requestKey } from './event-ids.ts'
import { createSession, makeSession } from './session.ts'
import { requestOptions, type RequestSettings, type SinkClient } from './stripe-client.ts'
import type { StripeEvent } from './stripe-events.ts'
import { outsideDuplicateWindow } from './time-windows.ts'

/** Stripe takes no more in one request. */
const eventsPerRequest = 100

export function createStreamSender(
  client: SinkClient,
  limiter: RateLimiter,
  settings: RequestSettings,
): EventSender<StripeEvent> & { close(): void } {
  const closing = new AbortController()
  const session = createSession(() => makeSession(client, settings, closing.signal))

  const { send } = createChunkedSender<StripeEvent>({
    name: 'Stripe',
    eventsPerRequest,
    limiter,
    failureThreshold,
    outsideWindow: ({ uncertainSince }, nowMs) => outsideDuplicateWindow(uncertainSince, nowMs),
    prepare: async () => {
      const token = await session.token()
      return typeof token === 'string' ? undefined : token
    },
    async post(queued, { check, hadNoEffect, signal }) {
      const events = queued.map(({ event }) => event)
      const key = await requestKey(events)
      for (let isSecond = false; ; isSecond = true) {
        const token = await session.token()
        if (typeof token !== 'string') return token
        check()
        const { outcome, isSessionOver } = await client.during(key, signal, async () => {
          const answer = await postEvents(client.stripe, events, token, { ...settings, key })
          return client.wasRepeated(key) ? afterRepetition(answer) : answer
        })
        if (!isSessionOver) return outcome
        hadNoEffect()
        session.drop(token)
        if (isSecond) return outcome
      }
    },
  })

  return {
    send,
    close: () => closing.abort(new Error('the sink was closed')),
  }
}

/** What became of all events of a request: Stripe takes all or none. */
interface StreamAnswer {
  readonly outcome: EventOutcome
  /** It was refused because of its session; the outcome is for when a new one does not help. */
  readonly isSessionOver?: true
}

/** Sends up to 100 events in one request, once. Never throws. */
async function postEvents(
  stripe: Stripe,
  events: readonly StripeEvent[],
  token: string,
  settings: RequestSettings & { readonly key: string },
): Promise<StreamAnswer> {
  try {
    const options = { ...requestOptions(settings, settings.key), apiKey: token }
    const answer: unknown = await stripe.v2.billing.meterEventStream.create(
      { events: [...events] },
      options,
    )
    return { outcome: isStripes(answer) ? { status: 'accepted' } : notStripes }
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

const notStripes: EventRetry = {
  status: 'retry',
  scope: 'backend',
  reason: "the answer was JSON, but not Stripe's",
  uncertain: true,
}

function meaningOf(failure: StripeFailure, eventCount: number): StreamAnswer {
  if (isExpired(failure)) {
    const reason = 'Stripe calls a session that it has just made expired'
    return { isSessionOver: true, outcome: { status: 'retry', scope: 'backend', reason } }
  }
  const outcome = classifyError(failure, Date.now())
  if (failure.statusCode === 401) return { isSessionOver: true, outcome }
  if (outcome.status === 'retry') return { outcome }
  if (failure.statusCode === 404) return { outcome: noStream(outcome) }
  // None of the events was taken, not even where the refusal is that Stripe has one of them.
  if (outcome.status === 'accepted' && eventCount > 1) {
    return { outcome: { status: 'rejected', reason: 'Stripe has one of these already' } }
  }
  return { outcome }
}

/** Its status is 401 or 400, so only its names tell it. */
function isExpired({ code, rawType }: StripeFailure): boolean {
  return code === 'billing_meter_event_session_expired' || rawType === 'temporary_session_expired'
}

/** No event can be to blame for an address that Stripe does not know. */
function noStream(outcome: EventOutcome): EventRetry {
  const why = outcome.status === 'rejected' ? outcome.reason : ''
  const reason = `Stripe has no meter event stream for this account; set api to 'v2': ${why}`
  return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
}

/** stripe-node has sent the request twice by itself: the first may have arrived. */
function afterRepetition(answer: StreamAnswer): StreamAnswer {
  const { outcome, isSessionOver } = answer
  if (isSessionOver || outcome.status !== 'retry') return answer
  return { outcome: { ...outcome, uncertain: true } }
}
