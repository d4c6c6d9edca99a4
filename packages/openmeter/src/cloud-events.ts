import {
  type ModelSlug,
  type UsageCost,
  type UsageRecord,
  allInput,
  allOutput,
  attributeTexts,
  tokenTypes,
  unusedEventId,
} from '@token-meter/core/sink'

/**
 * A CloudEvent with everything that the SDK would fill in by itself, so that it never does: a new
 * id or time on a retry would be billed again.
 */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** Unique together with `source`. */
  readonly id: string
  readonly source: string
  readonly type: string
  /** Who pays. */
  readonly subject: string
  /** When the response ended. Goes out as RFC 3339. */
  readonly time: Date
  readonly data: Readonly<Record<string, string | number>>
}

/**
 * What becomes an event. `per-token-type`: each token type of a record, as OpenMeter's own LLM
 * example has it, for one SUM meter over `$.tokens` grouped by `model` and `type`. `per-record`: the
 * whole record with all its counts, as LiteLLM sends it, for one meter per count.
 */
export type EventsOption = 'per-token-type' | 'per-record'

/** Which cost goes along: what the customer is billed, what the provider charges, or none. */
export type CostOption = 'billed' | 'provider' | false

/** The options of the sink that shape events. */
export interface CloudEventOptions {
  readonly source: string
  readonly eventType: string
  readonly events: EventsOption
  readonly cost: CostOption
  readonly costEventType: string
  readonly modelSlug: ModelSlug
}

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

const firstYear = Date.parse('0001-01-01T00:00:00Z')
const afterLastYear = Date.UTC(10_000, 0, 1)

/**
 * The time of an event. One that RFC 3339 cannot write would be left out of the event, and OpenMeter
 * would take the moment of its arrival.
 * @throws Error when `at` is no such time.
 */
export function eventTime(at: number): Date {
  if (at >= firstYear && at < afterLastYear) return new Date(at)
  throw new Error(`it is dated ${String(at)}, which is no time in ms since the epoch`)
}
