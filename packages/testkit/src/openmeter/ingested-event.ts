/** A CloudEvent as OpenMeter keeps it. */
export interface IngestedEvent {
  readonly specversion: string
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  /** RFC 3339. */
  readonly time: string
  readonly data: Readonly<Record<string, unknown>>
}
