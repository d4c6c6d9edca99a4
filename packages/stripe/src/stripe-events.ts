import {
  type MeterEvent,
  type ModelSlug,
  type UsageRecord,
  attributeTexts,
  modelSlug,
  toMeterEvents,
  unusedEventId,
  withCacheInInput,
} from '@token-meter/core/sink'
import { wholeUnits, type CostUnit } from './whole-units.ts'

/** A v2 meter event. `identifier` is also the idempotency key, so it covers all the rest. */
export interface StripeEvent {
  readonly event_name: string
  readonly identifier: string
  /** RFC 3339: stripe-node would write a Date as unix seconds, which v2 refuses. */
  readonly timestamp: string
  readonly payload: Record<string, string>
}

/**
 * Which token types the meters know. `all`: `input`, `output`, `cached_input` and `cached_write`.
 * `input-output`: cached reads and writes are added to the input event.
 */
export type TokenTypesOption = 'all' | 'input-output'

/**
 * What is billed. `tokens`: an event per token type, whose value is a count. `cost`: one event per
 * record, whose value is an amount of money.
 */
export type ValueOption = 'tokens' | 'cost'

/** Which amount of a record is billed: with the markup, or what the provider charges. */
export type CostOption = 'billed' | 'provider'

/** The options of the sink that shape events. */
export interface StripeEventOptions {
  readonly value: ValueOption
  readonly cost: CostOption
  readonly costUnit: CostUnit
  readonly eventName: string | ((event: MeterEvent) => string)
  readonly tokenTypes: TokenTypesOption
  readonly modelSlug?: ModelSlug | undefined
}

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

/** The event name of the meter that counts money, unless it is named otherwise. */
export const costEventName = 'llm-cost'

/** Stripe takes values of no more than 15 digits. */
export const largestValue = 10n ** 15n - 1n

/**
 * What a record costs, as the value of a meter event: whole units, 0 for less than half of one. Or
 * why it has no such value.
 */
export function costValue(
  record: UsageRecord,
  { cost: which, costUnit }: Pick<StripeEventOptions, 'cost' | 'costUnit'>,
): number | { readonly code: string; readonly problem: string } {
  const { provider, model, cost } = record
  if (!cost) {
    const problem = `it has no cost: there was no price of ${provider} "${model}" for it. Add its price to cost({ prices }) of createMeter({ cost }), then outbox.requeue it`
    return { code: 'no_cost', problem }
  }
  const amount = cost[which]
  const units = wholeUnits(amount, costUnit)
  if (units === undefined) {
    return {
      code: 'no_cost',
      problem: `its cost.${which} is ${String(amount)}, and has to be decimal text of USD, such as '0.0012'`,
    }
  }
  if (units > largestValue) {
    const problem = `its cost of ${amount} USD is more than fits into the 15 digits that Stripe takes. Bill it by another way, such as an invoice item, and outbox.discard it`
    return { code: tooManyDigits, problem }
  }
  return Number(units)
}

/** A record of which no event can be made; the message is what there is to say of it. */
export class UnsendableError extends Error {
  override readonly name = 'UnsendableError'
  /** The same for machines. */
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** More than fits into a value of Stripe's. */
export const tooManyDigits = 'value_too_many_digits'
