import type { TokenCounts } from './token-counts.ts'
import type { UsageDetails } from './usage-details.ts'

/**
 * What a usage reader found in one response. A count that the provider did not give is
 * `undefined`, never 0: it is completed by an estimate, and the record says so.
 */
export interface UsageReading {
  readonly model: string | undefined
  readonly tokens: { readonly [Count in keyof TokenCounts]: number | undefined }
  readonly details: UsageDetails
  readonly serviceTier: string | undefined
  /** The provider's usage object, verbatim; `undefined` when the response had none. */
  readonly raw: unknown
  /**
   * Set where the same response can be observed more than once, such as a background response that
   * is polled: the record's id is derived from it, so that seeing it twice bills once.
   */
  readonly identity?: readonly (string | number)[]
  /** Why the provider does not bill it, as in `UsageRecord`. */
  readonly unbilled?: string | undefined
  /** What was odd about the usage object, in words that hold no text of the conversation. */
  readonly problems: readonly string[]
}

/** The reading of a response that says nothing about its usage. */
export function unknownUsage(model?: string, serviceTier?: string): UsageReading {
  return {
    model,
    tokens: {
      input: undefined,
      cachedInput: undefined,
      cachedWrite: undefined,
      output: undefined,
    },
    details: {},
    serviceTier,
    raw: undefined,
    problems: [],
  }
}
