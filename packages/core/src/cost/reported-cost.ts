import { jsonObject } from '../usage/json-object.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import { decimal, type Decimal } from '../usage/decimal.ts'

/** What the provider itself says that the record cost, or nothing. */
export function reportedCost({ details, raw }: UsageRecord): Decimal | undefined {
  const reported = decimal(details.providerCostUsd)
  if (reported === undefined) return undefined
  // OpenRouter's cost of a call with the application's own key is its fee; the model's provider
  // charges the rest: https://openrouter.ai/docs/guides/overview/auth/byok
  if (jsonObject(raw).is_byok !== true) return reported
  const upstream = decimal(details.upstreamCostUsd)
  return upstream === undefined ? undefined : reported.plus(upstream)
}
