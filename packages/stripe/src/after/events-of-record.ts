import type { UsageCost, UsageRecord } from '@token-meter/core/sink'
import {
  type StripeEvent,
  type StripeEventOptions,
  costValue,
  toStripeEvents,
} from '../stripe-events.ts'
import { isWholeUnits } from '../whole-units.ts'

/** Prices a record, as the `cost` of `createMeter` does. */
export type PricedBy = (record: UsageRecord) => UsageCost | { readonly unpriced: string }

/** A meter event that the sink makes of a record, or made of it. */
export interface EventOfRecord extends Pick<StripeEvent, 'event_name' | 'identifier'> {
  /**
   * Tokens, or whole units of money. `undefined` where the ledger has no cost of the record: it was
   * priced as it was sent.
   */
  readonly value: number | undefined
}

/** @throws Error when `eventName` or `modelSlug` throws, or gives no usable name. */
export function eventsOfRecord(
  record: UsageRecord,
  shape: StripeEventOptions & { readonly pricedBy: PricedBy | undefined },
  refused: readonly string[] = [],
): readonly EventOfRecord[] {
  const { value, pricedBy } = shape
  const isCost = value === 'cost'
  const known = isCost ? priced(record, pricedBy) : record
  const isUnknown = isCost && typeof costValue(known, shape) !== 'number'
  const events = toStripeEvents(isUnknown ? { ...known, cost: someCost } : known, shape, refused)
  return events.map(({ event_name, identifier, payload }) => ({
    event_name,
    identifier,
    value: isUnknown ? undefined : Number(payload['value']),
  }))
}

/** Whether a record's amount is not the value of its event to the last digit. */
export function isRounded(
  record: UsageRecord,
  { value, cost, costUnit, pricedBy }: Parameters<typeof eventsOfRecord>[1],
): boolean {
  const amount = value === 'cost' ? priced(record, pricedBy).cost?.[cost] : undefined
  return amount !== undefined && !isWholeUnits(amount, costUnit)
}

/** Which event there is does not depend on how much it is. */
const someCost: UsageCost = { currency: 'USD', provider: '1', billed: '1', source: 'prices' }

function priced(record: UsageRecord, pricedBy: PricedBy | undefined): UsageRecord {
  if (record.cost || pricedBy === undefined || record.unbilled !== undefined) return record
  try {
    const cost = pricedBy(record)
    return 'unpriced' in cost ? record : { ...record, cost }
  } catch {
    // A function of the application's. Without an answer the value is unknown, and is said to be.
    return record
  }
}
