import { neverSent, retryAfterMs, type NetworkFailure } from '@token-meter/core/sink'
import type { EventOutcome, EventRetry } from './event-outcome.ts'

/** What is used of the errors of stripe-node, whose classes differ between versions. */
export interface StripeFailure {
  readonly statusCode?: number | undefined
  readonly code?: string | undefined
  readonly rawType?: string | undefined
  readonly message?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** What broke the connection. */
  readonly detail?: NetworkFailure | undefined
}

/** A key is set right by a person, so there is no hurry; nothing is given up meanwhile. */
const wrongKeyAfterMs = 60_000

/**
 * What an error of Stripe means for the event. What Stripe has already is accepted; what it could
 * not judge, or only because of the key, is a retry; what it judged and refused is rejected.
 * Without an answer, or with one that is not a refusal (5xx, 3xx), Stripe may have the event.
 */
export function classifyError(error: StripeFailure, nowMs: number): EventOutcome {
  const { statusCode, message = 'no message', headers = {} } = error
  if (isDuplicate(error)) return { status: 'accepted' }
  const retry: RetryMaker = (reach, reason) => ({
    status: 'retry',
    reach,
    reason,
    afterMs: retryAfterMs(headers['retry-after'], nowMs),
  })
  const uncertain = { uncertain: true } as const
  const replayed = headers['idempotent-replayed'] === 'true' ? ({ isReplay: true } as const) : {}
  if (statusCode === undefined) {
    const noAnswer = retry('outage', `no answer of Stripe's: ${message}`)
    return neverSent(error.detail) ? noAnswer : { ...noAnswer, ...uncertain }
  }
  if (statusCode === 401) return { ...retry('account', unknownKey), afterMs: wrongKeyAfterMs }
  if (statusCode === 403) {
    return { ...retry('account', `${weakKey} ${message}`), afterMs: wrongKeyAfterMs }
  }
  if (statusCode === 429) {
    return tooMany(headers['stripe-rate-limited-reason'], message, retry)
  }
  if (statusCode >= 500) {
    const reason = `Stripe failed (${statusCode}): ${message}`
    return { ...retry('outage', reason), ...uncertain, ...replayed }
  }
  if (statusCode < 400) {
    return {
      ...retry('outage', `not an answer of Stripe's (${statusCode}): ${message}`),
      ...uncertain,
    }
  }
  if (isPassing(statusCode) || headers['stripe-should-retry'] === 'true') {
    return retry('event', `Stripe is busy with it (${statusCode}): ${message}`)
  }
  const { code, rawType } = error
  const name = code ?? rawType ?? 'refused'
  return { status: 'rejected', reason: refusal(error), code: name, ...replayed }
}

const unknownKey =
  'Stripe does not know the API key (401): set apiKey to a restricted key with the permission "Billing meter events: Write"; the usage is kept and sent then.'

const weakKey =
  'Stripe does not let the API key write meter events (403): give it the permission "Billing meter events: Write"; the usage is kept and sent then.'

/** v2 has a code for it, v1 only a sentence. */
function isDuplicate({ statusCode, code, message }: StripeFailure): boolean {
  if (code === 'duplicate_meter_event') return true
  return (
    statusCode === 400 && message?.startsWith('An event already exists with identifier') === true
  )
}

type RetryMaker = (reach: EventRetry['reach'], reason: string) => EventRetry

/**
 * Without a reason it is a lock that one object waited for; `resource-specific` says as much. The
 * others are limits of the account: the sink slows down and goes on, unless Stripe said until when
 * to wait.
 * @see https://docs.stripe.com/rate-limits
 */
function tooMany(why: string | undefined, message: string, retry: RetryMaker): EventRetry {
  const reason = `too many requests for Stripe (429${why === undefined ? '' : `, ${why}`}): ${message}`
  if (why === undefined || why === 'resource-specific') return retry('event', reason)
  const limit = why.endsWith('concurrency') ? 'concurrency' : 'rate'
  const mayGoOn = retry('outage', reason)
  return mayGoOn.afterMs === undefined
    ? { ...mayGoOn, limit }
    : { ...mayGoOn, limit, reach: 'account' }
}

function isPassing(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 409 || statusCode === 425
}

function refusal({ statusCode, code, rawType, message = 'no message' }: StripeFailure): string {
  const name = code ?? rawType
  const hint = name === undefined ? '' : (hints[name] ?? '')
  return `Stripe refused it (${statusCode}${name === undefined ? '' : ` ${name}`}): ${message}${hint}`
}

const hints: Readonly<Record<string, string>> = {
  no_meter: ' Create a meter with this event name, or set eventName, then requeue.',
  archived_meter: ' Reactivate the meter, then requeue.',
  idempotency_error:
    ' It was sent before with other contents, so options of the sink were changed between two attempts: compare it with what Stripe has before it is requeued.',
}
