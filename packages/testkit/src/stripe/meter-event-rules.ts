import type { MeterEventParams } from './meter-event-params.ts'
import type { StripeRefusal } from './stripe-answer.ts'

const minute = 60_000
const day = 24 * 60 * minute

/** The rules an event must keep; the answer is why not, or `undefined`. */
export function brokenRule(
  event: MeterEventParams,
  { meters, now }: { meters: readonly string[] | undefined; now: number },
): StripeRefusal | undefined {
  const { event_name: name, payload, timestamp } = event
  if (meters !== undefined && !meters.includes(name)) {
    return refusal('no_meter', `No active meter found for event name ${name}.`)
  }
  if (!payload.stripe_customer_id) {
    return refusal('payload_no_customer_defined', 'The payload has no stripe_customer_id.')
  }
  if (payload.value === undefined) {
    return refusal('payload_no_value_defined', 'The payload has no value.')
  }
  if (!/^[1-9]\d{0,14}$/.test(payload.value)) {
    const limit = 'The value must be a positive integer of at most 15 digits'
    return refusal('payload_invalid_value', `${limit}, got ${payload.value}.`)
  }
  if (event.identifier !== undefined && event.identifier.length > 100) {
    return { message: 'The identifier must have at most 100 characters.' }
  }
  if (timestamp === undefined) return undefined
  if (!Number.isFinite(timestamp)) return { message: 'The timestamp is not a date.' }
  if (timestamp < now - 35 * day) {
    return { message: 'The timestamp must be within the past 35 calendar days.' }
  }
  if (timestamp > now + 5 * minute) {
    return { message: 'The timestamp must be at most 5 minutes in the future.' }
  }
  return undefined
}

function refusal(code: string, message: string): StripeRefusal {
  return { code, message }
}
