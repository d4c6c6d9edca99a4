import type { MeterEventParams } from './meter-event-params.ts'

/** An event that was accepted and could then not be billed, as Stripe's error reports tell of it. */
export interface MeterEventFailure {
  /** Of the report: `meter_event_customer_not_found`, `no_meter`, ... */
  readonly code: string
  readonly message: string
  readonly event: MeterEventParams
  /** The idempotency key of its request, which stands for many events in a stream. */
  readonly idempotencyKey: string | undefined
  /** In ms since the epoch. */
  readonly at: number
}
