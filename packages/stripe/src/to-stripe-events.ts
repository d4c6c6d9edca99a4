import { toMeterEvents, type MeterEvent, type UsageRecord } from '@token-meter/core/adapter'
import type { ModelSlug } from '@token-meter/core/adapter'
import { unusedEventId } from './event-id.ts'
import type { StripeSinkSettings } from './stripe-sink-settings.ts'

/** A v2 meter event. `identifier` is also the idempotency key, so it covers all the rest. */
export interface StripeEvent {
  readonly event_name: string
  readonly identifier: string
  /** RFC 3339: stripe-node would write a Date as unix seconds, which v2 refuses. */
  readonly timestamp: string
  readonly payload: Record<string, string>
}

export type StripeEventOptions = Pick<StripeSinkSettings, 'eventName' | 'tokenTypes'> & {
  readonly modelSlug?: ModelSlug | undefined
}

/**
 * The meter events of a record, as Stripe takes them.
 * @param refused ids that Stripe refused after it had accepted them: their events have others.
 * @throws Error when `eventName` or `modelSlug` throws, or gives no usable name.
 */
export function toStripeEvents(
  record: UsageRecord,
  options: StripeEventOptions,
  refused: readonly string[] = [],
): StripeEvent[] {
  const { eventName, tokenTypes, modelSlug } = options
  const counted = tokenTypes === 'all' ? record : withCacheInInput(record)
  return toMeterEvents(counted, modelSlug === undefined ? {} : { modelSlug }).map((event) => ({
    event_name: typeof eventName === 'string' ? eventName : named(eventName, event),
    identifier: unusedEventId(event.id, refused),
    timestamp: new Date(event.timestamp).toISOString(),
    payload: {
      ...strings(event.dimensions),
      // Last, so that no attribute can change who pays or how much.
      stripe_customer_id: event.customer,
      value: String(event.value),
    },
  }))
}

function withCacheInInput(record: UsageRecord): UsageRecord {
  const { input, cachedInput, cachedWrite, output } = record.tokens
  const folded = {
    input: input + cachedInput + cachedWrite,
    cachedInput: 0,
    cachedWrite: 0,
    output,
  }
  return { ...record, tokens: folded }
}

function named(eventName: (event: MeterEvent) => string, event: MeterEvent): string {
  const name: unknown = eventName(event)
  if (typeof name === 'string' && name !== '' && name.length <= 100) return name
  throw new Error('eventName must answer a string of 1 to 100 characters')
}

/** Stripe refuses a payload with anything but strings; attributes may come from untyped code. */
function strings(dimensions: Readonly<Record<string, unknown>>): Record<string, string> {
  const scalars = Object.entries(dimensions).filter(([, value]) => /^[snb]/.test(typeof value))
  return Object.fromEntries(scalars.map(([key, value]) => [key, String(value)]))
}
