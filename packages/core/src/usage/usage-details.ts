import type { TokenType } from './token-counts.ts'

/** What is billed beside tokens; most other details are parts of the counts. */
export const quantities = ['seconds', 'characters', 'images', 'webSearchRequests'] as const

/**
 * Subsets of the counts and other billed quantities, for information and pricing. A subset is
 * already inside its count: never add it again. Tokens unless the name says otherwise.
 */
export interface UsageDetails {
  /** Inside output. */
  readonly reasoning?: number
  /** Inside input (cached or not). */
  readonly audioInput?: number
  /** Inside output. */
  readonly audioOutput?: number
  /** Inside input (cached or not). */
  readonly imageInput?: number
  /** Inside output. */
  readonly imageOutput?: number
  /** Inside cachedInput and imageInput: cached images have a price of their own. */
  readonly cachedImageInput?: number
  /** Inside input (cached or not). */
  readonly videoInput?: number
  /** Inside output. */
  readonly videoOutput?: number
  /** Inside cachedInput and audioInput: cached audio has a price of its own. */
  readonly cachedAudioInput?: number
  /** Inside output; predicted tokens that the model used. */
  readonly acceptedPrediction?: number
  /** Inside output; predicted tokens that the model did not use, billed all the same. */
  readonly rejectedPrediction?: number
  /** Inside cachedWrite, kept 5 minutes. */
  readonly cachedWrite5m?: number
  /** Inside cachedWrite, kept 30 minutes. */
  readonly cachedWrite30m?: number
  /** Inside cachedWrite, kept 1 hour. */
  readonly cachedWrite1h?: number
  /** Inside cachedWrite, kept 12 hours. */
  readonly cachedWrite12h?: number
  /**
   * Inside cachedWrite, of whatever lifetime: written at the price of a read (cachedInput), because
   * another model had refused the request that had them in its cache.
   */
  readonly creditedWrite?: number
  /**
   * What became of the credit that a retry of a refused request presented: `redeemed` for the
   * `creditedWrite`, `not_applied`, or `unknown` where it was redeemed for some of the cachedWrite and
   * nobody knows for how much, so that all of it is priced as written.
   */
  readonly fallbackCredit?: 'redeemed' | 'not_applied' | 'unknown'
  /** Web searches the provider ran, in requests. */
  readonly webSearchRequests?: number
  /** Web pages the provider fetched, in requests. */
  readonly webFetchRequests?: number
  /** Audio or video billed by time, in seconds. */
  readonly seconds?: number
  /** Text billed by length, in characters. */
  readonly characters?: number
  /** Images billed by piece. */
  readonly images?: number
  /** What the provider itself says the call cost, in USD. */
  readonly providerCostUsd?: number
  /**
   * What a gateway says the model's own provider charged for the call, in USD. Inside
   * providerCostUsd, or beside it where the key was the application's own.
   */
  readonly upstreamCostUsd?: number
  /** The id that a gateway lists the call by, to check its bill against. */
  readonly gatewayCallId?: string
  /** How fast it was served, where that has a price of its own: `fast`. */
  readonly speed?: string
  /** Where it was computed, where that has a price of its own: `us`, `global`. */
  readonly inferenceGeo?: string
  /** The counts that are estimates, because the provider never gave them. */
  readonly estimated?: readonly TokenType[]
  /**
   * The counts that nobody knows, because the response was cut off before the provider gave them
   * and the meter makes no estimates (`onInterrupted: 'partial-only'`): they are 0 in `tokens`, and
   * were not 0.
   */
  readonly unknown?: readonly TokenType[]
}
