import type { TokenCounts } from './token-counts.ts'
import type { UsageCost } from './usage-cost.ts'
import type { UsageDetails } from './usage-details.ts'

/**
 * How far the counts can be trusted: `complete` is the provider's final word, `partial` is exact
 * up to the moment the stream was cut (`details.unknown` names what was never said), `estimated` has at least one count that the provider never
 * gave (`details.estimated` names which).
 */
export type UsageOutcome = 'complete' | 'partial' | 'estimated'

/** Extra dimensions on every meter event of a record, such as a feature or a team. */
export type Attributes = Readonly<Record<string, string>>

/** What one request used, of the several that a record is the sum of. */
export interface RequestUsage {
  readonly tokens: TokenCounts
  readonly details: UsageDetails
}

/** What one response used, on one model. One call can yield several records. */
export interface UsageRecord {
  /** Minted once, before anything is sent, and kept for ever: the key to billing exactly once. */
  readonly id: string
  /** Who pays. `null` when nobody could be named: kept, reported, and not delivered until attributed. */
  readonly customer: string | null
  /** Who served the call, by the host of the base URL: `openai`, `azure`, `groq`, ... */
  readonly provider: string
  /** The model as the response names it; the requested one where the response names none. */
  readonly model: string
  /** The model as the request named it, when it did. */
  readonly requestedModel: string | null
  /** Which kind of call: `chat.completions`, `responses`, `embeddings`, ... */
  readonly endpoint: string
  readonly tokens: TokenCounts
  readonly details: UsageDetails
  readonly outcome: UsageOutcome
  /** When the response ended, in ms since the epoch. Never the time of sending. */
  readonly at: number
  /** The tier the provider says it billed, such as `flex` or `priority`. */
  readonly serviceTier: string | null
  readonly attributes: Attributes
  /**
   * Why the provider does not bill this usage to the application: `refusal:cyber`, `refusal:null`,
   * ... (refused before any output, by the category), `linked` (billed to the customer's own
   * account), or a code of the application's own, from `meter.record()`. The counts are what the
   * provider stated; its cost is 0, no meter event is made of it, and it counts as delivered. Absent
   * where it is billed.
   */
  readonly unbilled?: string
  /**
   * The provider's own id of the response, such as `chatcmpl-...`, `resp_...` or `msg_...`, to match a
   * disputed line and to reconcile. Never part of an event. Absent where the response has none, or
   * one of more than 256 characters.
   */
  readonly responseId?: string
  /**
   * The provider's own id of the request, from the headers of its answer (`x-request-id`,
   * `request-id`), which its support asks for; in a batch the `custom_id` of the request. Never part
   * of an event. Absent where it is not known, or has more than 256 characters.
   */
  readonly requestId?: string
  /**
   * How many requests to the model this is the sum of, as for a batch; `null` where it is, or can
   * be, a sum of a number that nobody said. Prices that depend on the size of one request do not
   * depend on the size of a sum. Absent for one request.
   */
  readonly requests?: number | null
  /** What each of these requests used, where that is known; together it is `tokens`. */
  readonly parts?: readonly RequestUsage[]
  /**
   * False for test usage: recorded under test keys, with `TOKEN_METER_MODE=test`, or by a meter from
   * the environment that had no billing backend. It never leaves under a live key unless
   * `outbox.release` says so. Absent where nobody said.
   */
  readonly livemode?: boolean
  /** What it costs. Absent where `createMeter({ cost })` is not set, or knows no price of it. */
  readonly cost?: UsageCost
  /**
   * The provider's usage object: numbers, and texts of at most 64 characters, which codes are. Never
   * prompt or completion text.
   */
  readonly raw: unknown
}
