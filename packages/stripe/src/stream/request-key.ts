import type { StripeEvent } from '../to-stripe-events.ts'

/**
 * The idempotency key of a request: the same whenever the same events go together again, so that a
 * request whose answer was lost is known to Stripe by its key too, and not by identifiers alone.
 */
export async function requestKey(events: readonly StripeEvent[]): Promise<string> {
  const [first] = events
  if (first !== undefined && events.length === 1) return first.identifier
  const identifiers = new TextEncoder().encode(events.map((event) => event.identifier).join('\n'))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', identifiers))
  return `token-meter-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
