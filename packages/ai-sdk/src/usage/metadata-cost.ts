import {
  jsonObject,
  statedCost,
  text,
  type UsageDetails,
  type UsageReading,
} from '@token-meter/core/wire'
import { reportedUsd } from '@token-meter/core/adapter'
import { metadataOf, type ModelAnswer } from './answer.ts'

/** A reading with the cost that stands beside its usage object, in the metadata of the answer. */
export function withStatedCost(reading: UsageReading, answer: ModelAnswer): UsageReading {
  if (answer.providerMetadata === undefined) return reading
  const details = { ...ofProvider(reading, answer), ...ofGateway(answer) }
  if (Object.keys(details).length === 0) return reading
  return { ...reading, details: { ...reading.details, ...details } }
}

/** The AI Gateway's price, the market's, whose key it was, and the id that it lists the call by. */
function ofGateway({ providerMetadata }: ModelAnswer): UsageDetails {
  const { gateway } = jsonObject(providerMetadata)
  const { cost, marketCost, generationId, routing } = jsonObject(gateway)
  const providerCostUsd = amount(cost)
  const upstreamCostUsd = amount(marketCost)
  const gatewayCallId = text(generationId)
  return {
    ...(providerCostUsd !== undefined && { providerCostUsd }),
    ...(upstreamCostUsd !== undefined && { upstreamCostUsd }),
    ...(gatewayCallId !== undefined && { gatewayCallId }),
    ...(isOwnKey(routing) && { byok: true }),
  }
}

/** Whose credentials served the call: https://vercel.com/docs/ai-gateway/authentication-and-byok/byok */
function isOwnKey(routing: unknown): boolean {
  const { modelAttempts, attempts } = jsonObject(routing)
  const models = Array.isArray(modelAttempts) ? modelAttempts.map(jsonObject) : []
  const all = [
    ...(Array.isArray(attempts) ? attempts : []),
    ...models.flatMap(({ providerAttempts }) =>
      Array.isArray(providerAttempts) ? (providerAttempts as unknown[]) : [],
    ),
  ].map(jsonObject)
  const served = all.findLast(({ success }) => success === true)
  return served?.credentialType === 'byok'
}

/** What providers of the AI SDK put there under names of their own: OpenRouter, xAI, Perplexity. */
function ofProvider({ details }: UsageReading, answer: ModelAnswer): UsageDetails {
  if (details.providerCostUsd !== undefined) return {}
  for (const fields of metadataOf(answer)) {
    const { usage, cost, costInUsdTicks } = fields
    const { cost: usageCost, costDetails, isByok } = jsonObject(usage)
    const upstream = jsonObject(costDetails).upstreamInferenceCost
    const stated = statedCost(
      {
        cost: usageCost,
        cost_in_usd_ticks: costInUsdTicks,
        cost_details: { upstream_inference_cost: upstream },
        is_byok: isByok,
      },
      '',
    )
    if (stated.providerCostUsd !== undefined) return stated
    const total = reportedUsd(jsonObject(cost).totalCost)
    if (total !== undefined) return { providerCostUsd: total }
  }
  return {}
}

/** The gateway writes its amounts as text. */
function amount(value: unknown): number | undefined {
  return reportedUsd(typeof value === 'string' && value !== '' ? Number(value) : value)
}
