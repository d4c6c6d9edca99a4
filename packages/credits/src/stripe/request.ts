import Stripe from 'stripe'

/**
 * Of every request: answers have the shape that the installed package `stripe` knows, whatever API
 * version an application has set for its client.
 */
export function requestFor(stripeAccount: string): Stripe.RequestOptions {
  const apiVersion = Stripe.API_VERSION
  return stripeAccount === '' ? { apiVersion } : { apiVersion, stripeAccount }
}
