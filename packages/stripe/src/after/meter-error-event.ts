import { identifierOfKey } from '../event-ids.ts'

/** Events that could not be billed for one reason, as a report of Stripe's tells of them. */
export interface MeterErrors {
  /** `meter_event_customer_not_found`, `no_meter`, ... */
  readonly code: string
  /** How many there were. */
  readonly count: number
  /** Those that the report names. */
  readonly samples: readonly { readonly eventId: string; readonly message: string }[]
}

/** What Stripe looked at, and what it could not bill. */
export interface MeterErrorData {
  /** Of the validation, in ms since the epoch. */
  readonly fromMs: number | undefined
  readonly untilMs: number | undefined
  readonly errors: readonly MeterErrors[]
}

/**
 * Reads the `data` of an event about meter errors. Odd parts are left out; a count that is missing is
 * that of the samples.
 */
export function meterErrorData(data: unknown): MeterErrorData {
  const { validation_start: start, validation_end: end, reason } = object(data)
  return {
    fromMs: milliseconds(start),
    untilMs: milliseconds(end),
    errors: list(object(reason).error_types).map((type) => {
      const { code, error_count: count, sample_errors: samples } = object(type)
      const named = list(samples).flatMap(namedSample)
      return {
        code: typeof code === 'string' ? code : 'unknown',
        count: Math.max(Number.isSafeInteger(count) ? (count as number) : 0, list(samples).length),
        samples: named,
      }
    }),
  }
}

/** Some reports name the event by its identifier, some by the idempotency key of its request. */
function namedSample(sample: unknown): MeterErrors['samples'] {
  const { error_message: message, request } = object(sample)
  const { identifier, idempotency_key: key } = object(request)
  const name = [identifier, key].find((id) => typeof id === 'string' && id !== '')
  if (typeof name !== 'string') return []
  return [
    {
      eventId: identifierOfKey(name),
      message: typeof message === 'string' ? message : 'no message',
    },
  ]
}

function milliseconds(time: unknown): number | undefined {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
