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
