import { mapCounts, type TokenCounts } from '../usage/token-counts.ts'
import type { UsageDetails } from '../usage/usage-details.ts'
import type { RequestUsage, UsageRecord } from '../usage/usage-record.ts'

/**
 * What a usage reader found in one response. A count that the provider did not give is
 * `undefined`, never 0: it is completed by an estimate, and the record says so.
 */
export interface UsageReading {
  readonly model: string | undefined
  readonly tokens: { readonly [Count in keyof TokenCounts]: number | undefined }
  /**
   * What all counts add up to, where the provider said this and neither the input nor the output:
   * the output is estimated then, and the input is the rest.
   */
  readonly total?: number | undefined
  /**
   * Set on what another model used that worked for the answer: that it counts nothing is not
   * contradicted by what the answer says.
   */
  readonly isBeside?: true
  readonly details: UsageDetails
  readonly serviceTier: string | undefined
  /** The provider's usage object as it came; `undefined` when the response had none. */
  readonly raw: unknown
  /** How many requests it is the sum of, `null` where that is not known. @default one */
  readonly requests?: number | null
  /** What each of them used, where that is known. */
  readonly parts?: readonly RequestUsage[]
  /**
   * Set where the same response can be observed more than once, such as a background response that
   * is polled: the record's id is derived from it, so that seeing it twice bills once.
   */
  readonly identity?: readonly (string | number)[]
  /** Why the provider does not bill it, as in `UsageRecord`. */
  readonly unbilled?: string | undefined
  /** The provider's own ids of the response and of the request. */
  readonly responseId?: string | undefined
  readonly requestId?: string | undefined
  /** What was odd about the usage object, in words that hold no text of the conversation. */
  readonly problems: readonly string[]
}

/** The reading of a response that says nothing about its usage. */
export function unknownUsage(model?: string, serviceTier?: string): UsageReading {
  return {
    model,
    tokens: mapCounts(() => undefined),
    details: {},
    serviceTier,
    raw: undefined,
    problems: [],
  }
}

/** What a record of a reading says of its requests; a sum of one is none. */
export function requestsOf({
  requests,
  parts,
}: UsageReading): Pick<UsageRecord, 'requests' | 'parts'> {
  if (requests === undefined || requests === 1) return {}
  return { requests, ...(parts !== undefined && { parts }) }
}
