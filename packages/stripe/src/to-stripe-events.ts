import {
  attributeTexts,
  modelSlug,
  toMeterEvents,
  unusedEventId,
  withCacheInInput,
  type MeterEvent,
  type ModelSlug,
  type UsageRecord,
} from '@token-meter/core/sink'
import { costEventName, costValue, largestValue } from './cost-value.ts'
import { tooManyDigits, UnsendableError } from './unsendable-error.ts'
import type { StripeSinkSettings } from './stripe-sink-settings.ts'

/** A v2 meter event. `identifier` is also the idempotency key, so it covers all the rest. */
export interface StripeEvent {
  readonly event_name: string
  readonly identifier: string
  /** RFC 3339: stripe-node would write a Date as unix seconds, which v2 refuses. */
  readonly timestamp: string
  readonly payload: Record<string, string>
}

export type StripeEventOptions = Pick<
  StripeSinkSettings,
  'eventName' | 'tokenTypes' | 'value' | 'cost' | 'costUnit'
> & { readonly modelSlug?: ModelSlug | undefined }

/**
 * The meter events of a record, as Stripe takes them.
 * @param refused ids that Stripe refused after it had accepted them: their events have others.
 * @throws Error when `eventName` or `modelSlug` throws, or gives no usable name; UnsendableError when
 * the cost is to be billed and there is none, and for a value of more than 15 digits.
 */
export function toStripeEvents(
  record: UsageRecord,
  options: StripeEventOptions,
  refused: readonly string[] = [],
): StripeEvent[] {
  const { eventName, value } = options
  const events = value === 'cost' ? costEvents(record, options) : tokenEvents(record, options)
  return events.map((event) => ({
    event_name: (typeof eventName === 'string'
      ? eventName
      : named(eventName, event)
    ).toWellFormed(),
    identifier: unusedEventId(event.id.toWellFormed(), refused),
    timestamp: new Date(event.timestamp).toISOString(),
    payload: {
      ...strings(value === 'cost' ? withoutTokenType(event) : event.dimensions),
      // Last, so that no attribute can change who pays or how much.
      stripe_customer_id: event.customer.toWellFormed(),
      value: String(event.value),
    },
  }))
}

function tokenEvents(
  record: UsageRecord,
  { tokenTypes, modelSlug: slug }: StripeEventOptions,
): readonly MeterEvent[] {
  const counted = tokenTypes === 'all' ? record : withCacheInInput(record)
  const events = toMeterEvents(counted, slug === undefined ? {} : { modelSlug: slug })
  const large = events.find(({ value }) => value > largestValue)
  if (large === undefined) return events
  throw new UnsendableError(
    tooManyDigits,
    `its ${large.dimensions.token_type} of ${large.value} tokens would get a 400 payload_invalid_value: Stripe takes a positive integer of at most 15 digits. Bill it by another way, such as an invoice item, and outbox.discard it`,
  )
}

/** One event with the amount of money, or none where that rounds to nothing or nobody is billed. */
function costEvents(record: UsageRecord, options: StripeEventOptions): readonly MeterEvent[] {
  if (record.unbilled !== undefined) return []
  const { id, customer, provider, model, attributes, at: timestamp } = record
  const value = costValue(record, options)
  if (typeof value === 'object') throw new UnsendableError(value.code, value.problem)
  if (customer === null || value === 0) return []
  const slug = (options.modelSlug ?? modelSlug)(provider, model)
  // `token_type` is for a function that names the meter: the two kinds of sink can share one.
  const dimensions = { ...attributes, model: slug, token_type: 'cost' }
  return [{ id: `${id}:cost`, name: costEventName, customer, value, timestamp, dimensions }]
}

/** Money is of all tokens together. */
function withoutTokenType({ dimensions }: MeterEvent): Readonly<Record<string, string>> {
  const { token_type: _, ...others } = dimensions
  return others
}

function named(eventName: (event: MeterEvent) => string, event: MeterEvent): string {
  const name: unknown = eventName(event)
  if (typeof name === 'string' && name !== '' && name.length <= 100) return name
  throw new Error('eventName must answer a string of 1 to 100 characters')
}

/**
 * Stripe refuses a payload with anything but strings; attributes may come from untyped code. And half
 * a character (a text that was cut in the middle of one) can be in no request of v1.
 */
function strings(dimensions: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    attributeTexts(dimensions).map(([key, value]) => [key.toWellFormed(), value.toWellFormed()]),
  )
}
