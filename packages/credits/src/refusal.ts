/** A call or a hold that is refused: its error, and what listeners are told. */
import { formatAmount, type Unit } from './amount.ts'
import type { Refused } from './books/held.ts'
import { InsufficientCreditsError } from './errors.ts'
import type { CreditEmitter } from './events.ts'
import { poolId, type Pools } from './pools.ts'

/** What was asked for. */
export interface Asked {
  readonly customer: string
  readonly unit: Unit
  readonly amount: bigint
  readonly affordableOutputTokens?: number | undefined
}

/** Tells listeners, and returns the error. */
export function refusal(
  { events, pools }: { readonly events: CreditEmitter; readonly pools: Pools },
  { customer, unit, amount, affordableOutputTokens }: Asked,
  { available, why, pool, exceeded, newestGrant: grant }: Refused,
): InsufficientCreditsError {
  const texts = {
    available: formatAmount(available, unit),
    required: formatAmount(amount, unit),
  }
  if (exceeded !== undefined) pools.tellRefusal(exceeded, amount, events)
  // Of nobody's account, and of one that is blocked, there is none.
  const what = grant !== undefined && { grant, available }
  if (what && events.isNewRefusal('exhausted', `${unit} ${customer}`, what)) {
    events.emit('exhausted', { customer, unit, ...texts })
  }
  return new InsufficientCreditsError({
    customer,
    unit,
    ...texts,
    affordableOutputTokens,
    blocked: why,
    pool: pool === undefined ? undefined : poolId(pool),
  })
}
