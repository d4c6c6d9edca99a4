import type { MeterEventParams } from './meter-event-params.ts'
import type { StripeRefusal } from './stripe-answer.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** Why an event cannot be billed: as an answer says it, and the code by which a report does. */
export interface BrokenRule {
  readonly refusal: StripeRefusal
  readonly reportedAs: string
}

/** The rules an event must keep; the answer is why not, or `undefined`. */
export function brokenRule(
  event: MeterEventParams,
  { meters, now }: { meters: readonly string[] | undefined; now: number },
): BrokenRule | undefined {
  const { event_name: name, payload, timestamp } = event
  if (meters !== undefined && !meters.includes(name)) {
    return broken('no_meter', 'no_meter', `No active meter found for event name ${name}.`)
  }
  if (!payload.stripe_customer_id) {
    const message = 'The payload has no stripe_customer_id.'
    return broken('payload_no_customer_defined', 'meter_event_no_customer_defined', message)
  }
  if (payload.value === undefined) {
    const message = 'The payload has no value.'
    return broken('payload_no_value_defined', 'meter_event_value_not_found', message)
  }
  if (!/^[1-9]\d{0,14}$/.test(payload.value)) {
    const message = `The value must be a positive integer of at most 15 digits, got ${payload.value}.`
    return broken('payload_invalid_value', 'meter_event_invalid_value', message)
  }
  if (event.identifier !== undefined && event.identifier.length > 100) {
    const message = 'The identifier must have at most 100 characters.'
    return broken(undefined, 'invalid_identifier', message)
  }
  if (timestamp === undefined) return undefined
  if (!Number.isFinite(timestamp)) {
    return broken(undefined, 'invalid_timestamp', 'The timestamp is not a date.')
  }
  if (timestamp < now - 35 * day) {
    const message = 'The timestamp must be within the past 35 calendar days.'
    return broken(undefined, 'timestamp_too_far_in_past', message)
  }
  if (timestamp > now + 5 * minute) {
    const message = 'The timestamp must be at most 5 minutes in the future.'
    return broken(undefined, 'timestamp_in_future', message)
  }
  return undefined
}

function broken(code: string | undefined, reportedAs: string, message: string): BrokenRule {
  return { refusal: { ...(code !== undefined && { code }), message }, reportedAs }
}
