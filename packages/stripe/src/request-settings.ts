import type Stripe from 'stripe'

/** How every request of a sink is made. */
export interface RequestSettings {
  readonly timeoutMs: number
  readonly stripeAccount: string | undefined
}

/** As stripe-node takes it. It sends once: to try again is the delivery's. */
export function requestOptions(
  { timeoutMs, stripeAccount }: RequestSettings,
  idempotencyKey: string,
): Stripe.RequestOptions {
  return {
    idempotencyKey,
    maxNetworkRetries: 0,
    timeout: timeoutMs,
    ...(stripeAccount === undefined ? {} : { stripeAccount }),
  }
}
