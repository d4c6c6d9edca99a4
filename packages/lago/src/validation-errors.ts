import type { EventOutcome } from '@token-meter/core/sink'
import type { RequestOutcome } from './request-outcome.ts'

/**
 * What a 422 of Lago says, whose `error_details` has the errors of each event by its place:
 * `{ "0": { "transaction_id": ["value_already_exist"] }, "3": "the expression's error" }`. It is
 * not said by place when the batch itself is wrong: `{ "events": ["too_many_events"] }`.
 * `undefined` for a body that is not Lago's.
 */
export function validationErrors(body: unknown, count: number): RequestOutcome | undefined {
  const { code, error_details: details } = (body ?? {}) as Record<string, unknown>
  if (code !== 'validation_errors' || typeof details !== 'object' || details === null) {
    return undefined
  }
  const verdicts = new Map<number, EventOutcome>()
  let othersMayBeStored = false
  for (const [place, errors] of Object.entries(details)) {
    if (!/^\d+$/.test(place) || Number(place) >= count) continue
    const isKnown = isDuplicate(errors)
    othersMayBeStored ||= isKnown
    verdicts.set(
      Number(place),
      isKnown
        ? { status: 'accepted' }
        : { status: 'rejected', reason: refusal(errors), code: 'refused' },
    )
  }
  if (verdicts.size === 0) return { is: 'refused', reason: refusal(details) }
  return { is: 'judged', verdicts, othersMayBeStored }
}

/** Lago has an event of this id and subscription, which is all that is wrong. */
function isDuplicate(errors: unknown): boolean {
  const byField = Object.entries(fields(errors))
  const [field, codes] = byField[0] ?? []
  return (
    byField.length === 1 &&
    field === 'transaction_id' &&
    Array.isArray(codes) &&
    codes.length > 0 &&
    codes.every((code) => code === 'value_already_exist')
  )
}

function refusal(errors: unknown): string {
  if (typeof errors === 'string') {
    return `Lago refused it (422): ${errors.slice(0, 300)}. Put the expression of the billable metric right, then requeue.`
  }
  const texts = Object.entries(fields(errors)).map(
    ([field, codes]) => `${field} ${Array.isArray(codes) ? codes.join(', ') : String(codes)}`,
  )
  return `Lago refused it (422): ${texts.join('; ').slice(0, 300) || 'no reason given'}`
}

function fields(errors: unknown): Record<string, unknown> {
  return typeof errors === 'object' && errors !== null ? (errors as Record<string, unknown>) : {}
}
