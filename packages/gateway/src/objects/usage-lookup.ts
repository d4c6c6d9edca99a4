/** What a request came to: `GET /usage/{id}`. */
import type { UsageRecord } from '@token-meter/core/outbox'
import type { Caller } from '../caller.ts'

/** Amounts are exact decimals of USD, such as `'0.0012345'`; `null` where no price is known. */
export interface RequestUsage {
  /** As `x-token-meter-request-id` said. */
  readonly id: string
  readonly customer: string | null
  /** What the customer is billed for all of it. */
  readonly billed: string | null
  /** What the provider charges for all of it: for the admin key alone. */
  readonly cost?: string | null
  readonly currency: 'USD'
  readonly tokens: UsageRecord['tokens']
  /** One for each model that answered. */
  readonly records: readonly RecordUsage[]
}

export interface RecordUsage extends Pick<
  UsageRecord,
  'id' | 'at' | 'provider' | 'model' | 'endpoint' | 'tokens' | 'details' | 'outcome' | 'unbilled'
> {
  readonly billed: string | null
  readonly cost?: string | null
}

export interface UsageLookup {
  /**
   * A request has led to these records, whose ids need not be its own. Nothing is written for the one
   * that has it. Never throws.
   */
  note(id: string, records: readonly Pick<UsageRecord, 'id'>[]): void
  /**
   * @param caller whose it must be; `'admin'` for the admin key, which sees all.
   * @throws GatewayRefusal 404 for one that there is not (yet), or that is not the caller's; 503 where the store is away.
   */
  usageOf(id: string, caller: Caller | 'admin'): Promise<RequestUsage>
}
