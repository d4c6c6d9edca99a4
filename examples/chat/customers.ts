import type { StripeCustomers } from './tenants.ts'

/** The server cannot run with this environment; the message says what to change. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError'
}

/**
 * The Stripe customers that the three companies are.
 * @throws EnvironmentError when the environment does not name three.
 */
export function customersFrom({ TOKEN_METER_CHAT_CUSTOMERS }: NodeJS.ProcessEnv): StripeCustomers {
  const ids = (TOKEN_METER_CHAT_CUSTOMERS ?? '').split(',').map((id) => id.trim())
  const [alder, birch, cedar, ...more] = ids
  if (alder && birch && cedar && more.length === 0) return [alder, birch, cedar]
  throw new EnvironmentError(
    'There is a Stripe key in the environment, so the chat would bill real customers. Say which ' +
      `three, best of a Stripe sandbox:

  TOKEN_METER_CHAT_CUSTOMERS=cus_a,cus_b,cus_c

or unset STRIPE_RESTRICTED_KEY and STRIPE_API_KEY for a Stripe on this machine.`,
  )
}
