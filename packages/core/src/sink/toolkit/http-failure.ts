/**
 * What a failed request means where that is the same for every backend of HTTP: no answer, a 5xx, too
 * many requests, a conflict. Here, and nowhere else, a `Retry-After` is read; it becomes `afterMs` of
 * the outcome, of the record's result, and then the time before which delivery leaves the sink alone.
 */
import type { EventRetry } from './outcome.ts'

/** A request that did not succeed. */
export interface FailedRequest {
  /** For people: `Stripe`. */
  readonly backend: string
  /** Absent where there was no answer. */
  readonly status: number | undefined
  /** What the answer said, or the error. */
  readonly message: string
  /** The header of the answer. */
  readonly retryAfter?: string | null | undefined
  /** What broke the connection. */
  readonly cause?: NetworkFailure | undefined
  readonly nowMs: number
  /** How far a 408, 409 or 425 reaches. @default 'backend' */
  readonly busyScope?: EventRetry['scope']
}

/**
 * The outcome of a failure that passes by itself; `undefined` for an answer that says something about
 * the events, the key or the address. Without an answer, or with a 5xx, the backend may have the
 * events.
 */
export function passingFailure(failed: FailedRequest): EventRetry | undefined {
  const { backend, status, message, cause, busyScope = 'backend' } = failed
  if (status === undefined) return noAnswer(backend, message, cause)
  const retry = (scope: EventRetry['scope'], reason: string): EventRetry => {
    const afterMs = retryAfterMs(failed.retryAfter, failed.nowMs)
    return { status: 'retry', scope, reason, ...(afterMs !== undefined && { afterMs }) }
  }
  if (status >= 500) {
    return { ...retry('backend', `${backend} failed (${status}): ${message}`), uncertain: true }
  }
  if (status === 429) {
    return retry('account', `too many requests for ${backend} (429): ${message}`)
  }
  if (status === 408 || status === 409 || status === 425) {
    return retry(busyScope, `${backend} is busy with it (${status}): ${message}`)
  }
  return undefined
}

/**
 * The outcome of a request without an answer.
 * @param backend for people: `Stripe`.
 * @param cause what broke the connection: where it never came about, nothing can have arrived.
 */
export function noAnswer(
  backend: string,
  message: string,
  cause: NetworkFailure | undefined,
): EventRetry {
  const reason = `no answer of ${backend}'s: ${message}`
  const retry: EventRetry = { status: 'retry', scope: 'backend', reason }
  return neverSent(cause) ? retry : { ...retry, uncertain: true }
}

/** A key, an address or a permission is set right by a person, so there is no hurry, in ms. */
export const wrongSetupAfterMs = 60_000

/**
 * The wait that a `Retry-After` header asks for, in ms: it is in seconds, or an HTTP date.
 * `undefined` when there is none or it cannot be read.
 */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000
  return Number.isFinite(waitMs) ? Math.max(0, Math.ceil(waitMs)) : undefined
}

/** What is used of an error of `fetch` or of Node's sockets. */
export interface NetworkFailure {
  readonly code?: unknown
  readonly syscall?: unknown
  readonly message?: unknown
  readonly cause?: NetworkFailure | undefined
  /** One for each address that was tried. */
  readonly errors?: readonly NetworkFailure[]
}

/** Faults from before the first byte of a request: names, connections and certificates. */
const beforeTheRequest = new Set<unknown>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** True when the failure says that there was no connection, so that nothing can have arrived. */
export function neverSent(failure: NetworkFailure | undefined): boolean {
  if (typeof failure !== 'object' || failure === null) return false
  const { code, syscall, cause, errors = [] } = failure
  // The same codes, such as ETIMEDOUT, also come from a connection that was in use.
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  if (errors.length > 0) return errors.every(neverSent)
  return beforeTheRequest.has(code) || neverSent(cause)
}

/** An error's messages down to its cause: `fetch` itself says only that it failed. */
export function failureMessages(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const texts: string[] = []
  for (let next: unknown = error; typeof next === 'object' && next !== null;) {
    const { message, code, cause } = next as NetworkFailure
    const text = message || code
    if (typeof text === 'string' && text !== '' && !texts.includes(text)) texts.push(text)
    next = cause
  }
  return texts.join(': ') || String(error)
}
