import { text, unknownUsage, type UsageDetails, type UsageReading } from '@token-meter/core/wire'
import { generateContentUsage, servedTier } from '../usage/generate-content.ts'
import type { Grounding } from './grounding.ts'

/** Images, sound and text of an answer have different prices, and only its details say how much each. */
function unsplitOutput(details: UsageDetails, { hasMedia }: Grounding): UsageDetails {
  const { imageOutput, audioOutput, videoOutput } = details
  const isSplit = (imageOutput ?? audioOutput ?? videoOutput) !== undefined
  return hasMedia && !isSplit ? { unsplit: ['output'] } : {}
}

/** The reading of a `usageMetadata` that may be missing. */
export function contentReading(
  raw: unknown,
  modelVersion: unknown,
  requestedModel: unknown,
  grounding: Grounding,
  responseId?: unknown,
): UsageReading {
  const model = text(modelVersion)
  const fees = grounding.details(model ?? String(requestedModel))
  if (raw === undefined || raw === null) {
    return { ...unknownUsage(model), details: fees, responseId: text(responseId) }
  }
  const { tokens, total, details, problems } = generateContentUsage(raw)
  const serviceTier = servedTier(raw)
  return {
    model,
    tokens,
    total,
    details: { ...details, ...fees, ...unsplitOutput(details, grounding) },
    serviceTier,
    responseId: text(responseId),
    // A copy: the SDK goes on writing to the object that the caller gets.
    raw: Array.isArray(raw) || typeof raw !== 'object' ? raw : { ...raw },
    problems,
  }
}
