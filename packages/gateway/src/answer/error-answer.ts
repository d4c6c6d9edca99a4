/** What the gateway answers itself where a request is not passed on: an error, in the shape of the API that was asked. */
import { messageOf } from '@token-meter/core/outbox'
import { GatewayRefusal } from '../refusal.ts'
import type { Dialect } from '../upstream.ts'

export interface ErrorAnswer {
  readonly status: number
  /** Names and values by turns. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** @param requestId of the gateway. */
export function errorAnswer(
  refusal: GatewayRefusal,
  dialect: Dialect,
  requestId: string,
): ErrorAnswer {
  const body = Buffer.from(JSON.stringify(errorBody(refusal, dialect, requestId)))
  const headers = ['content-type', 'application/json', 'content-length', String(body.length)]
  // SDKs send a 408, 409, 429 and 5xx again by themselves, which is of no use where nothing will be other then.
  if (!mayBeRetried.has(refusal.status)) headers.push('x-should-retry', 'false')
  if (refusal.retryAfterMs !== undefined) {
    headers.push('retry-after', String(Math.max(1, Math.ceil(refusal.retryAfterMs / 1000))))
  }
  return { status: refusal.status, headers, body }
}

const mayBeRetried: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** An error in the middle of a stream of events, where the gateway has to end it. */
export function errorEvent(refusal: GatewayRefusal, dialect: Dialect, requestId: string): string {
  const data = JSON.stringify(errorBody(refusal, dialect, requestId))
  return dialect === 'anthropic' ? `event: error\ndata: ${data}\n\n` : `data: ${data}\n\n`
}

function errorBody(refusal: GatewayRefusal, dialect: Dialect, requestId: string): object {
  const { status, message, details } = refusal
  switch (dialect) {
    case 'anthropic': {
      const type = anthropicTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
      const error = { ...details, type, message, code: refusal.code }
      return { type: 'error', error, request_id: requestId }
    }
    case 'gemini': {
      const state = geminiStates[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL')
      const reason = refusal.code.toUpperCase()
      const info = { '@type': errorInfo, reason, domain: 'token-meter', metadata: inTexts(details) }
      return { error: { code: status, message, status: state, details: [info] } }
    }
    case 'openai': {
      const type = openaiTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error')
      const code = refusal.code === 'insufficient_credits' ? 'insufficient_quota' : refusal.code
      return { error: { ...details, message, type, param: null, code } }
    }
  }
}

/** https://platform.openai.com/docs/guides/error-codes */
const openaiTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** https://docs.anthropic.com/en/api/errors */
const anthropicTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
}

/** https://cloud.google.com/apis/design/errors */
const geminiStates: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const errorInfo = 'type.googleapis.com/google.rpc.ErrorInfo'

/** All that an `ErrorInfo` can hold. */
function inTexts(details: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, String(value)]))
}

/**
 * What was thrown on the way of a request, as it is answered. The refusal of a guard is known by its status;
 * its JSON is for end users, and its message, which names customers, is for the developer.
 */
export function refusalOf(thrown: unknown): GatewayRefusal {
  if (thrown instanceof GatewayRefusal) return thrown
  const { status, code } = (thrown ?? {}) as { status?: unknown; code?: unknown }
  if (code === 'missing-customer') {
    return new GatewayRefusal(403, 'forbidden', 'nobody is named who pays for this call', {
      cause: thrown,
    })
  }
  if (!isErrorStatus(status)) {
    return new GatewayRefusal(500, 'unavailable', 'the gateway could not serve this request', {
      cause: thrown,
    })
  }
  const shown = shownOf(thrown)
  const { message, status: _, code: __, ...details } = shown
  return new GatewayRefusal(
    status,
    codeOf(code, status),
    typeof message === 'string' ? message : 'this call was refused',
    { details: plain(details), cause: thrown, ...(status === 503 && { retryAfterMs: 1000 }) },
  )
}

function codeOf(code: unknown, status: number): GatewayRefusal['code'] {
  if (
    code === 'insufficient_credits' ||
    code === 'credits_unavailable' ||
    code === 'call_refused'
  ) {
    return code
  }
  if (status === 402) return 'insufficient_credits'
  return status === 429 ? 'rate_limited' : 'call_refused'
}

function isErrorStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 400 && (status as number) < 600
}

/** What end users may see of an error: its JSON, and nothing of one that has none. */
function shownOf(thrown: unknown): Readonly<Record<string, unknown>> {
  const { toJSON } = thrown as { toJSON?: unknown }
  if (typeof toJSON !== 'function') return {}
  try {
    const shown: unknown = toJSON.call(thrown)
    return typeof shown === 'object' && shown !== null ? (shown as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function plain(details: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const isPlain = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value)
  return Object.fromEntries(Object.entries(details).filter(([, value]) => isPlain(value)))
}

/** For whoever runs the gateway: what was behind a refusal. */
export function causeOf(refusal: GatewayRefusal): string {
  const { cause } = refusal
  return cause === undefined ? refusal.message : messageOf(cause)
}
