import { jsonObject, text, unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { type InteractionWatch, isUnfinished } from '../jobs/interaction-watch.ts'
import { interactionsUsage } from '../usage/interactions.ts'

const unbilledWithoutUsage = new Set(['failed', 'cancelled'])

/** What one interaction owes; nothing while it goes on, or when it was billed before. */
export function readInteraction(
  interaction: unknown,
  provider: string,
  watch: InteractionWatch,
): readonly UsageReading[] {
  const fields = jsonObject(interaction)
  if (fields.error !== undefined && fields.id === undefined) return []
  if (!watch.bills(interaction) || isUnfinished(interaction)) return []
  const { usage, status } = fields
  if ((usage ?? undefined) === undefined && unbilledWithoutUsage.has(String(status))) return []
  return [interactionReading(fields, usage, provider)]
}

/** The reading of a usage object that may be missing. */
export function interactionReading(
  { id, model, agent, service_tier }: Readonly<Record<string, unknown>>,
  usage: unknown,
  provider: string,
): UsageReading {
  const unknown = unknownUsage(text(model) ?? text(agent), text(service_tier))
  const counts = usage === undefined || usage === null ? {} : interactionsUsage(usage)
  const reading = { ...unknown, ...counts, raw: copied(usage) }
  const known = text(id)
  if (known === undefined) return reading
  return { ...reading, identity: [provider, 'interactions', known], responseId: known }
}

/** The SDK goes on writing to the object that the caller gets. */
function copied(usage: unknown): unknown {
  if (usage === undefined || usage === null) return undefined
  return Array.isArray(usage) || typeof usage !== 'object' ? usage : { ...usage }
}
