/** What every request of a gateway is served with, checked. */
import type { ObservedCall, Observing } from '@token-meter/core/adapter'
import type { AccessEntry } from '../access-entry.ts'
import type { CorsOrigins } from '../answer/cors.ts'
import type { CallerKeys } from '../caller.ts'
import type { OwnedObjects } from '../objects/owned-objects.ts'
import type { UsageLookup } from '../objects/usage-lookup.ts'
import type { PayerSettings } from '../payer/payer.ts'
import type { BytesInFlight } from '../request/bytes-in-flight.ts'
import type { Routing } from '../route/route.ts'
import type { StripeHeadersSink } from '../stripe-headers/stripe-headers.ts'
import type { OwnPaths } from './own-paths.ts'
import type { UpstreamPools } from './upstream-pools.ts'

/** What becomes of an upstream's answer when its caller is gone. */
export type OnClientGone = 'auto' | 'drain' | 'abort'

export interface Deadlines {
  readonly connectMs: number
  readonly firstByteMs: number
  readonly idleMs: number
  readonly requestIdleMs: number
}

export interface ExchangeSettings extends Routing {
  readonly observe: Observing
  readonly pools: UpstreamPools
  readonly keys: CallerKeys
  readonly payer: PayerSettings
  readonly objects: OwnedObjects | undefined
  readonly usage: Pick<UsageLookup, 'note'> | undefined
  /** Bills by Stripe's headers; `undefined` where no request may. */
  readonly stripeHeaders: Pick<StripeHeadersSink, 'holdIdsOf'> | undefined
  readonly own: OwnPaths
  readonly origins: CorsOrigins
  readonly maxBodyBytes: number
  readonly inFlight: BytesInFlight
  readonly onClientGone: OnClientGone
  readonly deadlines: Deadlines
  /** Never throws. */
  log(entry: AccessEntry): void
  /** Tells whoever runs the gateway what went wrong. Never throws. */
  fault(what: string, cause: unknown): void
}

/** A request under way, for whoever ends the gateway. */
export interface RunningExchange {
  /** @param isFinal it ends now; else only what nobody waits for does. */
  shutDown(isFinal: boolean): void
  /** What is metered; `undefined` before that begins, and where nothing is. */
  readonly call: Pick<ObservedCall, 'guardHoldIds'> | undefined
  /** Resolved when it is over. */
  readonly over: Promise<void>
}
