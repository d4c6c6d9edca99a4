import type { FakeStripeRequest } from './fake-stripe-request.ts'
import type { StripeAnswer } from './stripe-answer.ts'

/** One endpoint of the fake. */
export interface FakeEndpoint {
  /** Names it in `requestCounts()`. */
  readonly api: string
  readonly method: string
  /** What the whole path of its requests matches. */
  readonly path: RegExp
  /** Refuses a request that is not allowed. @default one without the key, or whose key may not write */
  access?(request: FakeStripeRequest): StripeAnswer | undefined
  /** Requests that are processed one at a time: another one in the same lane is a 409. @default none */
  lane?(request: FakeStripeRequest): string
  process(request: FakeStripeRequest): StripeAnswer
}
