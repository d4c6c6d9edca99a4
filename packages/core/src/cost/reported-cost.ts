import { jsonObject } from '../lib/json.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { decimal, type Decimal } from '../usage/decimal.ts'

/** What the provider itself says that the record cost, 0 if it says that, or nothing. */
export function reportedCost({ details, raw }: UsageRecord): Decimal | undefined {
  const reported = decimal(details.providerCostUsd)
  if (reported === undefined) return undefined
  // A gateway's cost of a call with the application's own key is its fee; the model's provider
  // charges the rest: https://openrouter.ai/docs/guides/overview/auth/byok
  if (details.byok !== true && jsonObject(raw).is_byok !== true) return reported
  const upstream = decimal(details.upstreamCostUsd)
  return upstream === undefined ? undefined : reported.plus(upstream)
}
