import { jsonObject, text, unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { addCounts } from './add-counts.ts'
import { messageCounts } from './message-counts.ts'

type Json = Readonly<Record<string, unknown>>

/**
 * The `usage` of a message, whole or put together from a stream: one reading for the model that
 * served it, and one for each other model that worked for it.
 *
 * The top-level counts are those of the served answer alone. What `iterations` holds beside them:
 * - `compaction`: added, at the served model;
 * - `advisor_message`: a reading of the advisor's model;
 * - where a `fallback_message` says that another model served the answer, every earlier attempt
 *   (`message` or `fallback_message` with another model): a reading of its own model. The last
 *   `fallback_message` names the served model, whatever the response says;
 * - any other `message`: inside the top-level counts already.
 *
 * @param usage the usage object as it came.
 * @param model the model as the response names it.
 */
export function messagesUsage(usage: unknown, model?: string): readonly UsageReading[] {
  if (usage === undefined || usage === null) return [unknownUsage(model)]
  const fields = jsonObject(usage)
  const serviceTier = text(fields.service_tier)
  const geo = text(fields.inference_geo)
  // Of models that are computed anywhere, at one price.
  const inferenceGeo = geo === 'not_available' ? undefined : geo
  const iterations = Array.isArray(fields.iterations) ? fields.iterations.map(jsonObject) : []
  const served = text(iterations.findLast(isFallback)?.model)

  let counts = messageCounts(fields)
  const others: UsageReading[] = []
  for (const iteration of iterations) {
    if (iteration.type === 'compaction') counts = addCounts(counts, messageCounts(iteration))
    else if (isOfAnotherModel(iteration, served)) {
      const { tokens, details, problems } = messageCounts(iteration)
      others.push({
        model: text(iteration.model) ?? (model === served ? undefined : model),
        tokens,
        details: inferenceGeo === undefined ? details : { ...details, inferenceGeo },
        serviceTier,
        raw: iteration,
        problems,
      })
    }
  }
  const speed = text(fields.speed)
  const details = {
    ...counts.details,
    ...(speed !== undefined && { speed }),
    ...(inferenceGeo !== undefined && { inferenceGeo }),
  }
  const answer = { ...counts, details, model: served ?? model, serviceTier, raw: usage }
  return [...others, answer]
}

function isFallback({ type }: Json): boolean {
  return type === 'fallback_message'
}

function isOfAnotherModel({ type, model }: Json, served: string | undefined): boolean {
  if (type === 'advisor_message') return true
  return (
    served !== undefined && (type === 'message' || type === 'fallback_message') && model !== served
  )
}
