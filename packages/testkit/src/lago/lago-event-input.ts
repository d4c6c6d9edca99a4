/** An event as a request has it. */
export interface LagoEventInput {
  readonly transaction_id: string
  readonly external_subscription_id: string
  readonly code: string
  /** Seconds since the epoch. */
  readonly timestamp?: number | string
  readonly precise_total_amount_cents?: string | null
  readonly properties?: Readonly<Record<string, unknown>>
}

/** Why an event is none: errors by field, as Lago names them. `undefined` for one that is right. */
export function eventErrors(event: unknown): Record<string, string[]> | undefined {
  const given = (typeof event === 'object' && event !== null ? event : {}) as Record<
    string,
    unknown
  >
  const errors: Record<string, string[]> = {}
  // Lago itself keeps an event without a subscription and never bills it; its API says it must have one.
  for (const name of ['transaction_id', 'code', 'external_subscription_id']) {
    const value = given[name]
    if (typeof value !== 'string' || value.trim() === '') errors[name] = ['value_is_mandatory']
  }
  if (!isTime(given['timestamp'])) errors['timestamp'] = ['invalid_format']
  return Object.keys(errors).length === 0 ? undefined : errors
}

function isTime(timestamp: unknown): boolean {
  if (timestamp === undefined || timestamp === null) return true
  return /^-?\d+(\.\d+)?$/.test(String(timestamp))
}

/** True for text that Postgres cannot keep as JSON; Lago answers 500 to it. */
export function breaksStore(event: LagoEventInput): boolean {
  return /\\u0000|\\ud[89a-f]/.test(JSON.stringify(event))
}
