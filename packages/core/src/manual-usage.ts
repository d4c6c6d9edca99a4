import { isCustomerId, toAttributes, type AttributeValues } from './call/customer.ts'
import { ConfigError } from './errors/config-error.ts'
import { mintRecordId } from './usage/record-id.ts'
import { tokenCounts, type TokenCounts } from './usage/token-counts.ts'
import type { UsageDetails } from './usage/usage-details.ts'
import type { UsageRecord } from './usage/usage-record.ts'

/** Usage that an application knows itself, for `meter.record()`. */
export interface ManualUsage {
  readonly customer: string
  /** `openai`, `anthropic`, your own server's name, ... */
  readonly provider: string
  readonly model: string
  /** Disjoint counts; what is left out is 0. */
  readonly tokens: Partial<TokenCounts>
  /** Recording the same id again records nothing: give one where you might repeat yourself. */
  readonly id?: string
  /** @default 'manual' */
  readonly endpoint?: string
  /** ms since the epoch. @default now */
  readonly at?: number
  readonly attributes?: AttributeValues
  readonly details?: UsageDetails
  readonly serviceTier?: string
  /** The provider's usage object, for the ledger. No prompt or completion text. */
  readonly raw?: unknown
}

/**
 * A record from an application's own usage.
 * @throws TypeError for a missing customer, provider or model, or a time that is no number;
 * RangeError for counts that are not whole numbers from 0 up; ConfigError for reserved attributes.
 */
export function toUsageRecord(usage: ManualUsage): UsageRecord {
  for (const name of ['customer', 'provider', 'model'] as const) {
    if (!isCustomerId(usage[name])) {
      throw new TypeError(`record() expected ${name} to be a non-empty string`)
    }
  }
  const at = usage.at ?? Date.now()
  if (!Number.isSafeInteger(at) || at < 0) {
    throw new TypeError(`record() expected at to be ms since the epoch, got ${String(at)}`)
  }
  const { attributes, refused } = toAttributes(usage.attributes ?? {})
  if (refused.length > 0) throw new ConfigError(refused.join('; '))
  return {
    id: usage.id ?? mintRecordId(at),
    customer: usage.customer,
    provider: usage.provider,
    model: usage.model,
    requestedModel: null,
    endpoint: usage.endpoint ?? 'manual',
    tokens: tokenCounts(usage.tokens),
    details: usage.details ?? {},
    outcome: 'complete',
    at,
    serviceTier: usage.serviceTier ?? null,
    attributes,
    raw: usage.raw ?? null,
  }
}
