/** What the gateway answers itself, in place of an upstream: `answer/error-answer.ts` writes it in the caller's dialect. */
import { TokenMeterError } from '@token-meter/core/outbox'

/** Why a request is not passed on, for machines. It is the `code` of the answer. */
export type RefusalCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'too_large'
  | 'rate_limited'
  | 'insufficient_credits'
  | 'credits_unavailable'
  | 'call_refused'
  | 'upstream_failed'
  | 'upstream_timeout'
  | 'shutting_down'
  | 'unavailable'

/** A request that is not passed on. */
export class GatewayRefusal extends TokenMeterError {
  override readonly name = 'GatewayRefusal'
  /** Of the HTTP answer. */
  readonly status: number
  readonly code: RefusalCode
  /** When the same request may be sent again, in ms; `undefined`: that is not known. */
  readonly retryAfterMs: number | undefined
  /** More for machines, beside `code`: what is left of a credit. Never a key or a text of the caller's. */
  readonly details: Readonly<Record<string, unknown>>

  /** @param message for whoever made the request: it names no other customer, and no key. */
  constructor(
    status: number,
    code: RefusalCode,
    message: string,
    more: {
      readonly retryAfterMs?: number
      readonly details?: Readonly<Record<string, unknown>>
      readonly cause?: unknown
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.status = status
    this.code = code
    this.retryAfterMs = more.retryAfterMs
    this.details = more.details ?? {}
  }
}
