import {
  allInput,
  allOutput,
  tokenTypes,
  unusedEventId,
  type ModelSlug,
  type UsageCost,
  type UsageRecord,
} from '@token-meter/core/sink'
import type { CloudEvent } from './cloud-event.ts'
import { countProperty, dimensions } from './dimensions.ts'
import { eventTime } from './event-time.ts'
import type { OpenMeterSinkSettings } from './open-meter-sink-settings.ts'

export type CloudEventOptions = Pick<
  OpenMeterSinkSettings,
  'source' | 'eventType' | 'events' | 'cost' | 'costEventType'
> & { readonly modelSlug: ModelSlug }

/** The part of an event that tells it from the others of its record. */
type OwnPart = Pick<CloudEvent, 'id' | 'type' | 'data'>

/**
 * The events of a record; none for one that used nothing and costs nothing.
 * @param refused ids that are used up: their events have others.
 * @throws Error when the record's time is none, or `modelSlug` throws or answers no text.
 */
export function toCloudEvents(
  record: UsageRecord & { readonly customer: string },
  options: CloudEventOptions,
  refused: readonly string[] = [],
): CloudEvent[] {
  const common = {
    specversion: '1.0',
    source: options.source,
    subject: record.customer,
    time: eventTime(record.at),
  } as const
  const own =
    options.events === 'per-record' ? perRecord(record, options) : perType(record, options)
  return own.map((event) => ({ ...common, ...event, id: unusedEventId(event.id, refused) }))
}

function perType(record: UsageRecord, options: CloudEventOptions): OwnPart[] {
  const base = dimensions(record, options.modelSlug)
  const ofTokens = tokenTypes
    .filter(({ count }) => record.tokens[count] > 0)
    .map(({ count, type }) => ({
      id: `${record.id}:${type}`,
      type: options.eventType,
      data: { ...base, type, tokens: record.tokens[count] },
    }))
  const cost = costOf(record.cost, options)
  if (cost === undefined || isZero(cost)) return ofTokens
  const ofCost = { id: `${record.id}:cost`, type: options.costEventType, data: { ...base, cost } }
  return [...ofTokens, ofCost]
}

/** With the names that LiteLLM gives its sums, and the disjoint counts that they are made of. */
function perRecord(record: UsageRecord, options: CloudEventOptions): OwnPart[] {
  const prompt = allInput(record.tokens)
  const output = allOutput(record.tokens)
  const cost = costOf(record.cost, options)
  if (prompt + output === 0 && (cost === undefined || isZero(cost))) return []
  const data = {
    ...dimensions(record, options.modelSlug),
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    ...Object.fromEntries(
      tokenTypes.map(({ count, type }) => [countProperty(type), record.tokens[count] ?? 0]),
    ),
    ...(cost === undefined ? {} : { cost }),
  }
  return [{ id: record.id, type: options.eventType, data }]
}

function costOf(cost: UsageCost | undefined, options: CloudEventOptions): string | undefined {
  return options.cost === false ? undefined : cost?.[options.cost]
}

function isZero(decimal: string): boolean {
  return /^[-+]?0*(?:\.0*)?$/.test(decimal)
}
