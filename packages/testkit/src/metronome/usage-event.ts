/** An event as `POST /v1/ingest` takes it. */
export interface UsageEvent {
  readonly transaction_id: string
  readonly customer_id: string
  readonly event_type: string
  readonly timestamp: string
  readonly properties?: Readonly<Record<string, unknown>>
}
