import { text, unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { generateContentUsage, servedTier } from '../usage/generate-content.ts'
import type { Grounding } from './grounding.ts'

/** The reading of a `usageMetadata` that may be missing. */
export function contentReading(
  raw: unknown,
  modelVersion: unknown,
  requestedModel: unknown,
  grounding: Grounding,
): UsageReading {
  const model = text(modelVersion)
  const webSearchRequests = grounding.requests(model ?? String(requestedModel))
  const searches = webSearchRequests === 0 ? {} : { webSearchRequests }
  if (raw === undefined || raw === null) return { ...unknownUsage(model), details: searches }
  const { tokens, details, problems } = generateContentUsage(raw)
  const serviceTier = servedTier(raw)
  return {
    model,
    tokens,
    details: { ...details, ...searches },
    serviceTier,
    // A copy: the SDK goes on writing to the object that the caller gets.
    raw: Array.isArray(raw) || typeof raw !== 'object' ? raw : { ...raw },
    problems,
  }
}
