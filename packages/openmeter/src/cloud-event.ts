/**
 * A CloudEvent with everything that the SDK would fill in by itself, so that it never does: a new
 * id or time on a retry would be billed again.
 */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** Unique together with `source`. */
  readonly id: string
  readonly source: string
  readonly type: string
  /** Who pays. */
  readonly subject: string
  /** When the response ended. Goes out as RFC 3339. */
  readonly time: Date
  readonly data: Readonly<Record<string, string | number>>
}
