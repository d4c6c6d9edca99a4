import { jsonObject, text, unknownUsage, type UsageReading } from '@token-meter/core/wire'
import { type InteractionWatch, isUnfinished } from '../jobs/interaction-watch.ts'
import { interactionsUsage } from '../usage/interactions.ts'
import { InteractionTools } from './interaction-tools.ts'

const unbilledWithoutUsage = new Set(['failed', 'cancelled'])

/** What one interaction owes; nothing while it goes on, or when it was billed before. */
export function readInteraction(
  interaction: unknown,
  provider: string,
  watch: InteractionWatch,
  streamed?: InteractionTools,
): readonly UsageReading[] {
  const fields = jsonObject(interaction)
  if (fields.error !== undefined && fields.id === undefined) return []
  if (!watch.bills(interaction) || isUnfinished(interaction)) return []
  const { usage, status } = fields
  if ((usage ?? undefined) === undefined && unbilledWithoutUsage.has(String(status))) return []
  const tools = streamed ?? new InteractionTools()
  tools.seeAll(fields.steps ?? fields.outputs)
  return [interactionReading(fields, usage, provider, tools)]
}

/** The reading of a usage object that may be missing. */
export function interactionReading(
  { id, model, agent, service_tier }: Readonly<Record<string, unknown>>,
  usage: unknown,
  provider: string,
  tools: InteractionTools,
): UsageReading {
  const name = text(model) ?? text(agent)
  const unknown = unknownUsage(name, text(service_tier))
  const counts = usage === undefined || usage === null ? unknown : interactionsUsage(usage)
  // What the usage itself says of tools stands before what the steps show.
  const details = { ...tools.details(String(name)), ...counts.details }
  const reading = { ...unknown, ...counts, details, raw: copied(usage) }
  const known = text(id)
  if (known === undefined) return reading
  return { ...reading, identity: [provider, 'interactions', known], responseId: known }
}

/** The SDK goes on writing to the object that the caller gets. */
function copied(usage: unknown): unknown {
  if (usage === undefined || usage === null) return undefined
  return Array.isArray(usage) || typeof usage !== 'object' ? usage : { ...usage }
}
