import { type Call, ownValue } from '@token-meter/core/wire'
import { FallbackCredits } from '../usage/fallback-credits.ts'
import type { Refusals } from '../usage/refusals.ts'

// Of the process: what one metered client was refused may be asked again through another.
const credits = new FallbackCredits()

/** Remembers what a refusal grants a retry of it. */
export function seeCredit({ creditToken }: Refusals, usage: unknown): void {
  if (creditToken !== undefined) credits.granted(creditToken, usage)
}

/** What the refused request had read from its cache that a call retries, as far as it is known. */
export function warmTokens({ body }: Call): number | undefined {
  return credits.warmTokens(ownValue(body, 'fallback_credit_token'))
}
