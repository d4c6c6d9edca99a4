import type { MeterEvent, ModelSlug } from '@token-meter/core/sink'
import type Stripe from 'stripe'
import type { CostUnit } from './whole-units.ts'

/**
 * Which token types the meters know. `all`: `input`, `output`, `cached_input` and `cached_write`.
 * `input-output`: cached reads and writes are added to the input event.
 */
export type TokenTypesOption = 'all' | 'input-output'

/**
 * The way events take. `v2`: one a request, checked before it is answered. `v1`: the same, for
 * accounts and tools that know v1 only. `stream`: 100 a request, ten times as many a second, and
 * checked only afterwards.
 */
export type StripeApi = 'v1' | 'v2' | 'stream'

/**
 * What is billed. `tokens`: an event per token type, whose value is a count. `cost`: one event per
 * record, whose value is an amount of money.
 */
export type ValueOption = 'tokens' | 'cost'

/** Which amount of a record is billed: with the markup, or what the provider charges. */
export type CostOption = 'billed' | 'provider'

/** Options of `stripeSink`. One of `apiKey` and `stripe` is needed. */
export interface StripeSinkOptions {
  /**
   * A restricted key (`rk_`) with the permission "Billing meter events: Write" and no other.
   * A secret key (`sk_`) works too, with a warning.
   */
  readonly apiKey?: string | undefined
  /** @default 'v2' */
  readonly api?: StripeApi | undefined
  /**
   * A Stripe client of yours, in place of `apiKey`. Its retries are not used. A send that is
   * aborted cannot stop its requests, only stop waiting for them.
   */
  readonly stripe?: Stripe | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several Stripe sinks. @default 'stripe'
   */
  readonly name?: string | undefined
  /**
   * Whether it bills for real, where no key shows it. Test
   * usage never goes to a live sink unless `outbox.release` says so. @default what the key shows, else
   * true
   */
  readonly livemode?: boolean | undefined
  /**
   * `cost` bills money by one meter, whatever the models and without dimensions, and needs
   * `createMeter({ cost })`: a record without a cost is rejected. It belongs to `name`: to bill by the
   * other, or by both, make another sink with another name. @default 'tokens'
   */
  readonly value?: ValueOption | undefined
  /** With `value: 'cost'`, which of the record's amounts. @default 'billed' */
  readonly cost?: CostOption | undefined
  /**
   * With `value: 'cost'`, what the meter counts. Each event is rounded half up to whole units, and
   * sent where that leaves any: nano-dollars where single calls cost about a millionth of a dollar.
   * The price at Stripe is for this unit, so never change it for a meter. @default 'micro-usd'
   */
  readonly costUnit?: CostUnit | undefined
  /**
   * The meter's event name, 1 to 100 characters; or a function that names it by the event, where
   * each token type or model has a meter of its own. With `value: 'cost'` the function sees `cost`
   * for the token type. @default 'token-billing-tokens', or 'llm-cost' with `value: 'cost'`
   */
  readonly eventName?: string | ((event: MeterEvent) => string) | undefined
  /** With `value: 'tokens'`. @default 'all' */
  readonly tokenTypes?: TokenTypesOption | undefined
  /** How a model is written in the `model` dimension. @default core's `modelSlug` */
  readonly modelSlug?: ModelSlug | undefined
  /**
   * Requests per second, of this process. Stripe allows an account 1000 with a live key, a
   * connected account 100 and a sandbox 25, in all processes together.
   * @default 25 with a `_test_` key, 90 with `stripeAccount`, 900 otherwise
   */
  readonly requestsPerSecond?: number | undefined
  /** Events per second in the stream, of this process. Stripe allows 10000 with a live key. @default 9000 */
  readonly eventsPerSecond?: number | undefined
  /**
   * Requests in flight at a time; but for the stream always 1 for one customer and event name.
   * @default 32
   */
  readonly maxConcurrentRequests?: number | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
  /** Where Stripe is, for tests: `http://127.0.0.1:12111`. @default Stripe itself */
  readonly baseUrl?: string | undefined
  /** The connected account to bill on, `acct_...`. @default the key's own account */
  readonly stripeAccount?: string | undefined
  /** Told once about what works but should be changed. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined
}
