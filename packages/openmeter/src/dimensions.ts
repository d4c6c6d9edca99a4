import {
  attributeTexts,
  type ModelSlug,
  tokenTypes,
  type UsageRecord,
} from '@token-meter/core/sink'

/** What decides a bill, or might in the other format: no attribute can stand in for it. */
const reserved: ReadonlySet<string> = new Set([
  'model',
  'provider',
  'type',
  'tokens',
  'cost',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
])

/** What a count is called in an event per record. */
export function countProperty(type: string): string {
  return `${type}_tokens`
}

/**
 * What every event of a record says beside its numbers: attributes, provider and model.
 * @throws Error when the model cannot be written.
 */
export function dimensions(record: UsageRecord, slug: ModelSlug): Record<string, string> {
  const model: unknown = slug(record.provider, record.model)
  if (typeof model !== 'string') throw new Error('modelSlug must answer a string')
  const taken = new Set([...reserved, ...tokenTypes.map(({ type }) => countProperty(type))])
  const texts = Object.fromEntries(attributeTexts(record.attributes, taken))
  return { ...texts, provider: record.provider, model }
}
