import { text, unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { generateContentUsage, servedTier } from '../usage/generate-content.ts'
import type { Grounding } from './grounding.ts'

/** The reading of a `usageMetadata` that may be missing. */
export function contentReading(
  raw: unknown,
  modelVersion: unknown,
  requestedModel: unknown,
  grounding: Grounding,
  responseId?: unknown,
): UsageReading {
  const model = text(modelVersion)
  const webSearchRequests = grounding.requests(model ?? String(requestedModel))
  const searches = webSearchRequests === 0 ? {} : { webSearchRequests }
  if (raw === undefined || raw === null) {
    return { ...unknownUsage(model), details: searches, responseId: text(responseId) }
  }
  const { tokens, total, details, problems } = generateContentUsage(raw)
  const serviceTier = servedTier(raw)
  return {
    model,
    tokens,
    total,
    details: { ...details, ...searches },
    serviceTier,
    responseId: text(responseId),
    // A copy: the SDK goes on writing to the object that the caller gets.
    raw: Array.isArray(raw) || typeof raw !== 'object' ? raw : { ...raw },
    problems,
  }
}
