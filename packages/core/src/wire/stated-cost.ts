import type { HttpHeaders } from './http-headers.ts'
import { jsonObject } from '../lib/json.ts'
import { reportedUsd, xaiTicksPerUsd } from './usage-counts.ts'
import type { UsageDetails } from '../usage/usage-details.ts'

type StatedCost = Pick<UsageDetails, 'providerCostUsd' | 'upstreamCostUsd' | 'byok'>

/** LiteLLM writes a 0 where it knows no price. */
const litellm = 'litellm'
/** What each answer of it has, on whatever host it runs: https://docs.litellm.ai/docs/proxy/response_headers */
const litellmHeader = 'x-litellm-'

/**
 * What a usage object says that the call cost: `cost` of OpenRouter, Vercel and others,
 * `cost.total_cost` of Perplexity, `cost_in_usd_ticks` of xAI, `estimated_cost` of DeepInfra; and
 * what the model's own provider charged a gateway, or the application itself (`is_byok`). A 0 is a
 * cost: that of a free route.
 *
 * @param usage the usage object as it came.
 * @param provider the server, by its host.
 */
export function statedCost(usage: Readonly<Record<string, unknown>>, provider: string): StatedCost {
  const stated =
    reportedUsd(usage.cost) ??
    reportedUsd(jsonObject(usage.cost).total_cost) ??
    reportedUsd(usage.cost_in_usd_ticks, xaiTicksPerUsd) ??
    reportedUsd(usage.estimated_cost)
  const providerCostUsd = stated === 0 && provider === litellm ? undefined : stated
  const upstreamCostUsd =
    reportedUsd(jsonObject(usage.cost_details).upstream_inference_cost) ??
    reportedUsd(usage.market_cost)
  return {
    ...(providerCostUsd !== undefined && { providerCostUsd }),
    ...(upstreamCostUsd !== undefined && { upstreamCostUsd }),
    ...(usage.is_byok === true && { byok: true }),
  }
}

/** Details without a cost of 0 from a LiteLLM proxy, be it known by its name or by its headers. */
export function withoutUnknownCost(
  details: UsageDetails,
  provider: string,
  headers: HttpHeaders | undefined,
): UsageDetails {
  if (details.providerCostUsd !== 0) return details
  if (provider !== litellm && headers?.hasPrefix(litellmHeader) !== true) return details
  const { providerCostUsd: _, ...rest } = details
  return rest
}
