import type { MeterEventParams } from './meter-event-params.ts'

/** What a customer is billed for one model and token type on one meter. */
export interface BilledUsage {
  readonly customer: string
  readonly eventName: string
  readonly model: string
  readonly tokenType: string
  /** Tokens. */
  readonly value: number
}

/** Sums events into one row per customer, event name, model and token type, in order of arrival. */
export function billedUsage(events: readonly MeterEventParams[]): readonly BilledUsage[] {
  const rows = new Map<string, BilledUsage>()
  for (const { event_name: eventName, payload } of events) {
    const { stripe_customer_id: customer = '', model = '', token_type: tokenType = '' } = payload
    const key = JSON.stringify([customer, eventName, model, tokenType])
    const value = (rows.get(key)?.value ?? 0) + Number(payload.value)
    rows.set(key, { customer, eventName, model, tokenType, value })
  }
  return [...rows.values()]
}
