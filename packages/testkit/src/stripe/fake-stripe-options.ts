import type { FakeServerOptions } from '../http/fake-server.ts'
import type { StreamDuplicates } from './meter-event-stream.ts'

/** How a fake Stripe behaves. */
export interface FakeStripeOptions extends FakeServerOptions {
  /** The key that is accepted. @default 'rk_live_fake', as clients slow down for `_test_` keys */
  readonly apiKey?: string
  /** False: the key lacks "Billing meter events: Write", and every event gets a 403. @default true */
  readonly mayWriteMeterEvents?: boolean
  /** False: the key may not read events, which a webhook has to. @default true */
  readonly mayReadEvents?: boolean
  /** Event names that have a meter. @default any */
  readonly meters?: readonly string[]
  /** Customers that exist; events of others are accepted, and fail afterwards. @default any */
  readonly customers?: readonly string[]
  /** @default Infinity */
  readonly requestsPerSecond?: number
  /** What is in flight beyond it gets a 429. @default Infinity */
  readonly maxConcurrentRequests?: number
  /** How long a session of the stream is good for. @default 15 minutes */
  readonly sessionMs?: number
  /** The status that an expired session is refused with. @default 401 */
  readonly expiredSessionStatus?: 400 | 401
  /**
   * Stripe's API description as a JSON file, against which requests are checked too: its
   * `spec3.sdk.json`, from github.com/stripe/openapi.
   * @default what the environment has in TOKEN_METER_STRIPE_OPENAPI; without it, the fake's own rules
   */
  readonly openApi?: string | undefined
  /** What the stream does with an identifier that it has. @default 'ignored' */
  readonly streamDuplicates?: StreamDuplicates
}
