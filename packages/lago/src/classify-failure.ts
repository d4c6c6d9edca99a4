import { neverSent, type EventRetry, type NetworkFailure } from '@token-meter/core/sink'
import type { FailedRequest, RequestOutcome } from './request-outcome.ts'
import { validationErrors } from './validation-errors.ts'
import { waitAskedFor } from './wait-asked-for.ts'

/** An answer that is no success, as the client throws it: a Response with its body parsed. */
export interface LagoRefusal {
  readonly status: number
  readonly headers: Headers
  readonly error?: unknown
}

/** What is set right by a person is in no hurry; nothing is given up meanwhile. */
const untilSetRightMs = 60_000

export function isRefusal(error: unknown): error is LagoRefusal {
  const { status, headers } = (error ?? {}) as Partial<LagoRefusal>
  return typeof status === 'number' && typeof headers?.get === 'function'
}

/**
 * What an error of the client means for the events of a request. Refusals are Lago's only where the
 * body says so; nothing becomes a dead letter because of a proxy, a key or an address.
 * @param count how many events the request had.
 */
export function classifyFailure(error: unknown, count: number, nowMs: number): RequestOutcome {
  if (!isRefusal(error)) return withoutAnswer(error)
  const { status, headers, error: body } = error
  const said = `(${status}${quoted(body)})`
  const failed = (reason: string, more: Partial<EventRetry> = {}): FailedRequest => ({
    is: 'failed',
    retry: { status: 'retry', reason, afterMs: waitAskedFor(headers, nowMs), ...more },
  })
  const later = { afterMs: untilSetRightMs }
  if (status < 400) return failed(`${wrongUrl} ${said} ${redirectTo(headers)}`, later)
  if (status === 401) return failed(`${unknownKey} ${said}.`, later)
  if (status === 403) return failed(`${weakKey} ${said}.`, later)
  if (status === 404 || status === 405) return failed(`${wrongUrl} ${said}.`, later)
  if (status === 429) return failed(`too many requests for Lago ${said}`)
  if (status >= 500) {
    const outage = failed(`Lago failed ${said}`, { uncertain: true })
    return status === 500 ? { ...outage, suspect: 'crash' } : outage
  }
  if (status === 408 || status === 409 || status === 425) {
    return { ...failed(`Lago is busy with it ${said}`), isTheirs: true }
  }
  if (status === 413) return { is: 'refused', reason: `it is too large for Lago ${said}` }
  const judged = status === 422 ? validationErrors(body, count) : undefined
  if (judged !== undefined) return judged
  if (isBadRequest(status, body)) return { is: 'refused', reason: `Lago refused it ${said}` }
  const reason = `an answer that is not Lago's ${said}: is there something in front of it?`
  return { ...failed(reason, later), suspect: 'refusal' }
}

const unknownKey =
  'Lago does not know the API key: set apiKey to one of your organization; the usage is kept and sent then'
const weakKey =
  'Lago does not let the API key write events: give the key the permission to write events; the usage is kept and sent then'
const wrongUrl =
  "there is no API of Lago's at apiUrl: set it to the address of Lago's API, such as https://api.getlago.com; the usage is kept and sent then"

function withoutAnswer(error: unknown): FailedRequest {
  const { name, message, cause, retryAfter } = (error ?? {}) as Partial<ClientError>
  if (name === 'LagoRateLimitError') {
    // A client of the application that itself waits after a 429 gave up.
    const afterMs = (retryAfter ?? 0) > 0 ? retryAfter : undefined
    const reason = 'too many requests for Lago (429)'
    return { is: 'failed', retry: { status: 'retry', reason, afterMs } }
  }
  const why = [message, cause?.message].filter((text) => text !== undefined && text !== '')
  const retry: EventRetry = {
    status: 'retry',
    reason: `no answer of Lago's: ${why.join(', ') || String(error)}`,
  }
  const isCertain = neverSent(error as NetworkFailure)
  return { is: 'failed', retry: isCertain ? retry : { ...retry, uncertain: true } }
}

interface ClientError {
  readonly name: string
  readonly message: string
  readonly cause: { readonly message?: string }
  /** ms. */
  readonly retryAfter: number
}

/** The code or the message of an error body; a body may be anything, and is never quoted whole. */
function quoted(body: unknown): string {
  const { code, error, message } = (body ?? {}) as Record<string, unknown>
  const text = [code, error, message].find((said) => typeof said === 'string' && said !== '')
  return body instanceof Error || text === undefined ? '' : ` ${String(text).slice(0, 200)}`
}

function redirectTo(headers: Headers): string {
  const to = headers.get('location')
  return to !== null && URL.canParse(to) ? `It redirects to ${new URL(to).origin}.` : ''
}

function isBadRequest(status: number, body: unknown): boolean {
  const { status: own, error } = (body ?? {}) as Record<string, unknown>
  return status === 400 && own === 400 && String(error).startsWith('BadRequest')
}
