import type { ModelSlug, TokenType, UsageRecord } from '@token-meter/core/sink'
import type { LagoClient } from './lago-client.ts'

/**
 * What an event is. `per-record`: the usage of one response, with all its counts and its cost as
 * properties. `per-token-type`: one number, the tokens of one type.
 */
export type LagoEvents = 'per-record' | 'per-token-type'

/**
 * `all`: cached reads and writes are counted apart. `input-output`: they are added to the input,
 * for prices that know two kinds of tokens.
 */
export type TokenTypesOption = 'all' | 'input-output'

/** Which amount of a record's cost is sent: what the customer is billed, or what the provider charges. */
export type LagoCost = 'billed' | 'provider'

/**
 * The code of the billable metric that counts an event: one for all; one by token type, where each
 * type is an event; or a function, which gets the token type only then.
 */
export type LagoCode =
  | string
  | Readonly<Partial<Record<TokenType, string>>>
  | ((record: UsageRecord, tokenType: TokenType | undefined) => string)

/** Options of `lagoSink`. One of `apiKey` and `client` is needed. */
export interface LagoSinkOptions {
  /** An API key that may write events and read billable metrics. */
  readonly apiKey?: string | undefined
  /**
   * Where Lago is, with or without `/api/v1`: `https://lago.example.com`.
   * @default Lago's cloud, https://api.getlago.com
   */
  readonly apiUrl?: string | undefined
  /**
   * A client of yours, `Client(key)` of lago-javascript-client, in place of `apiKey` and `apiUrl`.
   * Leave its `rateLimitRetry` out: delivery waits better.
   */
  readonly client?: LagoClient | undefined
  /**
   * Keys the sink's progress in the outbox: keep it the same for ever, and give each its own where
   * there are several Lago sinks. @default 'lago'
   */
  readonly name?: string | undefined
  /**
   * Whether this is production, and not a sandbox or an environment for tests: its key does not show
   * it. Test usage never goes to production unless `outbox.release` says so. @default true
   */
  readonly livemode?: boolean | undefined
  /** @default 'per-record' */
  readonly events?: LagoEvents | undefined
  /**
   * The code of the billable metric. @default LAGO_API_EVENT_CODE, or 'llm_usage', per record; per
   * token type `llm_input_tokens`, `llm_output_tokens`, `llm_cached_input_tokens` and
   * `llm_cache_creation_tokens`
   */
  readonly code?: LagoCode | undefined
  /**
   * The external id of the subscription that pays for a record. While it answers none, or throws,
   * the record waits. It must answer the same for a record for ever. @default the customer
   */
  readonly subscription?: ((record: UsageRecord) => string | undefined) | undefined
  /** @default 'all' */
  readonly tokenTypes?: TokenTypesOption | undefined
  /** How a model is written in the `model` property. @default core's `modelSlug` */
  readonly modelSlug?: ModelSlug | undefined
  /** The amount in `response_cost`, or none. Only per record. @default 'billed' */
  readonly cost?: LagoCost | false | undefined
  /**
   * Sends the amount as `precise_total_amount_cents` too, for charges of the dynamic model. Only
   * per record. @default false
   */
  readonly dynamicCharge?: boolean | undefined
  /**
   * Asks Lago once for each code if there is a billable metric of that name, because Lago takes
   * events of any code and ignores those that it does not know. @default true
   */
  readonly checkCodes?: boolean | undefined
  /**
   * Asks Lago once for each subscription if there is one of that id, because Lago takes events for
   * any. Costs a request for each customer that a process bills. @default false
   */
  readonly checkSubscriptions?: boolean | undefined
  /** How long one request may take, in ms. @default 20000 */
  readonly timeoutMs?: number | undefined
  /** Told once about what works but should be changed. @default console.warn */
  readonly onWarning?: ((message: string) => void) | undefined
}
