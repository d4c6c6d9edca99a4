import { tokenTypes } from '@token-meter/core/sink'
import type { StripeEvent, ValueOption } from './stripe-events.ts'

/** What a header carries as it is; Stripe takes keys of up to 255 characters. */
const plain = /^[!-~](?:[ -~]{0,198}[!-~])?$/

/**
 * The idempotency key of a request: the same whenever the same events go together again, so that a
 * request whose answer was lost is known to Stripe by its key too, and not by identifiers alone. Of
 * one event it is the identifier, by which some of Stripe's error reports name the event.
 */
export async function requestKey(
  events: readonly Pick<StripeEvent, 'identifier'>[],
): Promise<string> {
  const identifiers = events.map(({ identifier }) => identifier)
  const [first = ''] = identifiers
  if (events.length === 1 && plain.test(first)) return first
  const bytes = new TextEncoder().encode(identifiers.join('\n'))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `token-meter-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Another key for the same request, for when Stripe repeats an answer that is no use any more. */
export function freshKey(key: string, nowMs: number): string {
  return `${key}~at${nowMs}`
}

/** The identifier that a key of either kind stands for, where it is of one event. */
export function identifierOfKey(key: string): string {
  return key.replace(/~at\d+$/, '')
}

/**
 * The record that an event is of; `undefined` for an id that no sink of this kind makes. A sink of
 * tokens and one of cost can stand beside each other, and what befell the events of the one is
 * nothing to the other.
 */
export function recordIdOf(eventId: string, value: ValueOption): string | undefined {
  const [, recordId, what] = /^(.+):([^:~]+)(?:~\d+)?$/s.exec(eventId) ?? []
  const isOurs = value === 'cost' ? what === 'cost' : tokenTypes.some(({ type }) => type === what)
  return isOurs ? recordId : undefined
}
