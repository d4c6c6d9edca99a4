import { type TokenCountName, tokenTypes, type UsageRecord } from '@token-meter/core/sink'
import type { MetronomeEvent } from './metronome-event.ts'
import type { MetronomeSinkSettings } from './metronome-sink-settings.ts'

/**
 * The event of a record; `undefined` where there is nothing to bill.
 *
 * All counts are there, also those that are 0: a billable metric that wants a property to exist
 * must not miss the whole event because one of its counts is none.
 * @throws Error when `modelSlug` throws or gives no text, or the time is no date.
 */
export function toMetronomeEvent(
  record: UsageRecord,
  customer: string,
  settings: MetronomeSinkSettings,
): MetronomeEvent | undefined {
  const { propertyNames: names, eventType, modelSlug } = settings
  const { tokens, provider } = record
  const cost = settings.cost === false ? undefined : record.cost?.[settings.cost]
  const hasCost = cost !== undefined && /[1-9]/.test(cost)
  if (!hasCost && tokenTypes.every(({ count }) => !tokens[count])) return undefined
  const model: unknown = modelSlug(provider, record.model)
  if (typeof model !== 'string' || model === '') throw new Error('modelSlug must answer a string')
  const properties: Record<string, string | number> = {
    ...attributesOf(record, settings),
    [names.model]: model,
    [names.provider]: provider,
  }
  for (const count of inOrder()) properties[names[count]] = tokens[count] ?? 0
  // As text: Metronome reckons in decimals, and a number of JSON could not hold every one of them.
  if (cost !== undefined) properties[names.cost] = cost
  return {
    transaction_id: record.id,
    customer_id: customer,
    event_type: eventType,
    timestamp: new Date(record.at).toISOString(),
    properties,
  }
}

/** First as in Metronome's own example. */
function inOrder(): readonly TokenCountName[] {
  const first: readonly TokenCountName[] = ['input', 'cachedInput', 'output']
  const others = tokenTypes.map(({ count }) => count).filter((count) => !first.includes(count))
  return [...first, ...others]
}

/** Without what decides the bill, which no attribute may stand in for, not even where it is absent. */
function attributesOf(
  { attributes }: UsageRecord,
  { propertyNames, cost }: MetronomeSinkSettings,
): Record<string, string> {
  const { cost: costName, ...always } = propertyNames
  const reserved = new Set(Object.values(always))
  if (cost !== false) reserved.add(costName)
  // They may come from untyped code: only what has an obvious text.
  const others = Object.entries(attributes as Readonly<Record<string, unknown>>).filter(
    ([name, value]) => !reserved.has(name) && /^(?:string|number|boolean)$/.test(typeof value),
  )
  return Object.fromEntries(others.map(([name, value]) => [name, String(value)]))
}
