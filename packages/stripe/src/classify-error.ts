import {
  passingFailure,
  retryAfterMs,
  wrongSetupAfterMs,
  type EventOutcome,
  type EventRetry,
  type NetworkFailure,
} from '@token-meter/core/sink'

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

/** So many failures in a row, with no answer between them, are an outage. */
export const failureThreshold = 3

/**
 * What an error of Stripe means for the event. What Stripe has already is accepted; what it could
 * not judge, or only because of the key, is a retry; what it judged and refused is rejected.
 * Without an answer, or with one that is not a refusal (5xx, 3xx), Stripe may have the event.
 */
export function classifyError(error: StripeFailure, nowMs: number): EventOutcome {
  const { statusCode: status, message = 'no message', headers = {} } = error
  const retryAfter = headers['retry-after']
  if (isDuplicate(error)) return { status: 'accepted' }
  if (status === 401) return wrongKey(unknownKey)
  if (status === 403) return wrongKey(`${weakKey} ${message}`)
  if (status === 429) {
    const afterMs = retryAfterMs(retryAfter, nowMs)
    return tooMany(headers['stripe-rate-limited-reason'], message, afterMs)
  }
  const passing = passingFailure({
    backend: 'Stripe',
    status,
    message,
    retryAfter,
    cause: error.detail,
    nowMs,
    busyScope: 'event',
  })
  if (passing !== undefined) return passing
  if (status !== undefined && status < 400) {
    const reason = `not an answer of Stripe's (${status}): ${message}`
    return { status: 'retry', scope: 'backend', reason, uncertain: true }
  }
  if (headers['stripe-should-retry'] === 'true') {
    const reason = `Stripe is busy with it (${status}): ${message}`
    return { status: 'retry', scope: 'event', reason, afterMs: retryAfterMs(retryAfter, nowMs) }
  }
  const { code, rawType } = error
  return { status: 'rejected', reason: refusal(error), code: code ?? rawType ?? 'refused' }
}

/** Whether Stripe repeated the answer of an earlier request with the same idempotency key. */
export function isReplay({ headers = {} }: StripeFailure): boolean {
  return headers['idempotent-replayed'] === 'true'
}

function wrongKey(reason: string): EventRetry {
  return { status: 'retry', scope: 'account', reason, afterMs: wrongSetupAfterMs }
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

/**
 * Without a reason it is a lock that one object waited for; `resource-specific` says as much. The
 * others are limits of the account: the sink slows down and goes on, unless Stripe said until when
 * to wait.
 * @see https://docs.stripe.com/rate-limits
 */
function tooMany(
  why: string | undefined,
  message: string,
  afterMs: number | undefined,
): EventRetry {
  const reason = `too many requests for Stripe (429${why === undefined ? '' : `, ${why}`}): ${message}`
  const retry = { status: 'retry', reason, afterMs } as const
  if (why === undefined || why === 'resource-specific') return { ...retry, scope: 'event' }
  const limit = why.endsWith('concurrency') ? 'concurrency' : 'rate'
  return { ...retry, limit, scope: afterMs === undefined ? 'backend' : 'account' }
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
