/** How the calls of a request are metered: who pays for them, and at whose Stripe account. */
import type { ObservingOptions, RequestObservation } from '@token-meter/core/adapter'
import type { Caller } from '../caller.ts'
import type { Payer } from '../payer/payer.ts'
import { GatewayRefusal } from '../refusal.ts'
import type { ExchangeSettings } from './settings.ts'

export interface PaidRequest {
  readonly caller: Caller
  readonly payer: Payer
  readonly requestId: string
}

/** @throws GatewayRefusal 403 for Stripe's headers where nobody could bill by them. */
export function observationOf(
  { observe, stripeHeaders }: Pick<ExchangeSettings, 'observe' | 'stripeHeaders'>,
  { caller, payer, requestId }: PaidRequest,
  more: Pick<ObservingOptions, 'recordId' | 'keepsOpen'> = {},
): RequestObservation {
  const { customer, attributes, stripe, unbilled } = payer
  const byHeaders = stripe !== undefined || unbilled !== undefined
  if (byHeaders && stripeHeaders === undefined) {
    throw new GatewayRefusal(
      403,
      'forbidden',
      'this gateway is not set up to bill by stripe-restricted-access-key: leave the header out',
    )
  }
  // What nobody is named for waits for a name, and is sent nowhere: the headers have named somebody.
  const ofKey = stripe === undefined ? undefined : `key:${caller.keyId}`
  const holdIds = byHeaders ? stripeHeaders?.holdIdsOf(requestId, payer) : undefined
  return observe(customer ?? ofKey ?? (() => undefined), {
    attributes,
    pools: caller.pools,
    ...(holdIds && { holdIds }),
    ...more,
  })
}
