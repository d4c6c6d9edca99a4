import type { ServerResponse } from 'node:http'
import type { ObservedCall } from '@token-meter/core/adapter'
import type { ObjectWatch } from '../objects/owned-objects.ts'
import type { GatewayRefusal } from '../refusal.ts'
import type { RequestHeaders } from '../request/raw-headers.ts'
import type { Dialect } from '../upstream.ts'

/** How an answer ended for whoever relays it. */
export type RelayEnd = 'answered' | 'client_gone' | 'upstream_failed' | 'shut_down'

export interface RelayOptions {
  readonly response: ServerResponse
  readonly requestId: string
  readonly dialect: Dialect
  /** What lets a browser read the answer: names and values by turns. */
  readonly cors: readonly string[]
  /** Whose usage the answer says; `undefined` where nothing is metered. */
  readonly call: ObservedCall | undefined
  /** Looks at the answer for what was made. */
  readonly watch: ObjectWatch | undefined
  /** A stream was asked for: whoever made it can end it before its end. */
  readonly isStream: boolean
  /** Whether an abort stops what the provider bills; else an answer that nobody reads is read to its end. */
  readonly abortsStreams: boolean
  /** How long nothing may come, or be taken, in ms. */
  readonly idleMs: number
  /** The relay is over, once. */
  ended(end: RelayEnd, refusal?: GatewayRefusal): void
}

export interface AnswerHead {
  readonly status: number
  readonly message: string
  readonly headers: RequestHeaders
  /** No body follows, whatever the headers say. */
  readonly isBodyless: boolean
}
