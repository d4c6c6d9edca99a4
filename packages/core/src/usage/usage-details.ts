import type { TokenType } from './token-counts.ts'

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
  /** Web searches the provider ran, in requests. */
  readonly webSearchRequests?: number
  /** Audio billed by time, in seconds. */
  readonly seconds?: number
  /** Text billed by length, in characters. */
  readonly characters?: number
  /** Images billed by piece. */
  readonly images?: number
  /** What the provider itself says the call cost, in USD. */
  readonly providerCostUsd?: number
  /** The counts that are estimates, because the provider never gave them. */
  readonly estimated?: readonly TokenType[]
}
