import {
  type ModelSlug,
  type SinkResult,
  type TokenCountName,
  type UsageRecord,
  attributeTexts,
  dateText,
  datedAhead,
  modelSlug,
  tokenTypes,
  uncertainRefusal,
} from '@token-meter/core/sink'

/** One event of Metronome's, as `POST /v1/ingest` takes up to 100 of them. */
export interface MetronomeEvent {
  /** The record's id, by which Metronome knows an event that it has. */
  readonly transaction_id: string
  /** A customer's id at Metronome, or one of its ingest aliases. */
  readonly customer_id: string
  readonly event_type: string
  /** RFC 3339: when the response ended. */
  readonly timestamp: string
  readonly properties: Readonly<Record<string, string | number>>
}

/**
 * What the cost property holds: `billed` is what the customer is to pay, `provider` what the
 * provider charges, `false` leaves the property out.
 */
export type CostOption = 'billed' | 'provider' | false

/**
 * What the properties of an event are called, where billable metrics have names of their own: by the
 * name of the count in a record (`input`, `cachedInput`, `cachedWrite`, `output`).
 */
export interface PropertyNames extends Readonly<Partial<Record<TokenCountName, string>>> {
  /** @default 'model' */
  readonly model?: string
  /** @default 'provider' */
  readonly provider?: string
  /** @default 'cost' */
  readonly cost?: string
}

/** The options of the sink that shape events. */
export interface MetronomeEventOptions {
  readonly eventType: string
  readonly modelSlug: ModelSlug
  readonly propertyNames: Required<PropertyNames>
  readonly cost: CostOption
}

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
  options: MetronomeEventOptions,
): MetronomeEvent | undefined {
  const { propertyNames: names, eventType, modelSlug: slug } = options
  const { tokens, provider } = record
  const cost = options.cost === false ? undefined : record.cost?.[options.cost]
  const hasCost = cost !== undefined && /[1-9]/.test(cost)
  if (!hasCost && tokenTypes.every(({ count }) => !tokens[count])) return undefined
  const model: unknown = slug(provider, record.model)
  if (typeof model !== 'string' || model === '') throw new Error('modelSlug must answer a string')
  const properties: Record<string, string | number> = {
    ...attributesOf(record, options),
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
  { propertyNames, cost }: MetronomeEventOptions,
): Record<string, string> {
  const { cost: costName, ...always } = propertyNames
  const reserved = new Set(Object.values(always))
  if (cost !== false) reserved.add(costName)
  return Object.fromEntries(attributeTexts(attributes, reserved))
}

/** Creators whose models Metronome prices by itself, whoever serves them. */
const pricedCreators = ['openai/', 'anthropic/', 'google/']

/**
 * The slug of an event's `model`. Metronome has the server in a property of its own, `provider`, and
 * rates by author, provider and token type. So a model of a well-known creator is written the same
 * wherever it runs: `anthropic/claude-sonnet-4.5` on Bedrock too. Others are core's `modelSlug`.
 */
export const metronomeModelSlug: ModelSlug = (provider, model) => {
  // A gateway's models are written as their creators'.
  const ofCreator = modelSlug('openrouter', model)
  return pricedCreators.some((creator) => ofCreator.startsWith(creator))
    ? ofCreator
    : modelSlug(provider, model)
}

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

/** Metronome takes events of the past 34 days, and tells duplicates for as long. */
const windowMs = 34 * dayMs
/** Metronome refuses what is dated later. */
const aheadLimit = { backend: 'Metronome', aheadMs: dayMs, ahead: '24 hours' }
/** For the time that a request is on its way, and for clocks that differ. */
const marginMs = hourMs

/**
 * What becomes of a record that Metronome would not take, or could take twice; `undefined` for any
 * other. It is not sent, because one such event makes Metronome refuse its whole request.
 * @param at ms since the epoch.
 * @param uncertainSince when it may first have arrived, in ms since the epoch.
 */
export function outsideEventWindow(
  at: number,
  uncertainSince: number | undefined,
  nowMs: number,
): SinkResult | undefined {
  const early = datedAhead(at, nowMs, aheadLimit)
  if (early !== undefined) return early
  const isTooOld = nowMs - at > windowMs
  if (uncertainSince !== undefined) {
    if (!isTooOld && nowMs - uncertainSince < windowMs - marginMs) return undefined
    const reason = `uncertain: whether Metronome has it is unknown since ${dateText(uncertainSince)}: an attempt got no clear answer, or the outbox is a copy. Metronome tells duplicates, and takes old usage, for 34 days only, so it cannot be sent again. Look for its transaction_id, the record's id, in Metronome's data export or compare the customer's usage; bill what is missing by another way, and outbox.discard it.`
    return { status: 'rejected', reason, ...uncertainRefusal(uncertainSince) }
  }
  if (!isTooOld) return undefined
  const reason = `it is dated ${dateText(at)}, and Metronome takes only usage of the past 34 days. Bill it by another way, such as a scheduled charge, and outbox.discard it.`
  return { status: 'rejected', reason, code: 'too_old' }
}
