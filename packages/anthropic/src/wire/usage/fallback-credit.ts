import { type Call, jsonObject, ownValue, text, type UsageCounts } from '@token-meter/core/wire'
import type { Refusals } from './refusals.ts'

/**
 * A refusal can come with a token that makes a retry on another model cheaper: as many of the retry's
 * cache writes cost what reads do as the refused request had read from its own model's cache. The
 * retry's answer says that its token was redeemed, and not for how many tokens: those are remembered
 * from the refusal. https://platform.claude.com/docs/en/build-with-claude/fallback-credit
 */

/** What a fallback credit changes about the price of a message. */
export interface FallbackCredit {
  readonly details: Pick<UsageCounts['details'], 'fallbackCredit' | 'creditedWrite'>
  readonly problems: readonly string[]
}

const none: FallbackCredit = { details: {}, problems: [] }

/**
 * What became of the `fallback_credit_token` of a request.
 *
 * @param warmTokens those that the refused request had read; `undefined` where nobody knows.
 */
export function fallbackCredit(
  usage: Readonly<Record<string, unknown>>,
  { tokens }: UsageCounts,
  warmTokens: number | undefined,
): FallbackCredit {
  const { status } = jsonObject(usage.fallback_credit)
  const outcome = text(status) ?? text(jsonObject(status).type)
  if (outcome === 'not_applied') return { details: { fallbackCredit: outcome }, problems: [] }
  if (outcome !== 'redeemed') return none
  const cachedWrite = tokens.cachedWrite ?? 0
  if (cachedWrite === 0 || warmTokens !== undefined) {
    const creditedWrite = Math.min(cachedWrite, warmTokens ?? 0)
    return {
      details: { fallbackCredit: outcome, ...(creditedWrite > 0 && { creditedWrite }) },
      problems: [],
    }
  }
  return {
    details: { fallbackCredit: 'unknown' },
    problems: [
      'a fallback credit was redeemed for some of its cache writes, and for how many is not known: all are priced as writes',
    ],
  }
}

/** How long Anthropic takes a token, in ms, and a little more for the retry itself. */
const keptMs = 6 * 60_000
const mostKept = 1000

interface Credit {
  readonly warmTokens: number
  readonly untilMs: number
}

/**
 * The credits of this process, by their token: what one client was refused may be asked again through
 * another. In memory alone, as the token is a secret.
 */
const credits = new Map<string, Credit>()

/** Remembers what a refusal grants a retry of it, if anything. */
export function seeCredit({ creditToken }: Refusals, usage: unknown): void {
  if (creditToken === undefined) return
  const read = jsonObject(usage).cache_read_input_tokens ?? 0
  if (typeof read !== 'number' || !Number.isSafeInteger(read) || read < 0) return
  const now = performance.now()
  for (const [known, { untilMs }] of credits) {
    if (untilMs > now && credits.size < mostKept) break
    credits.delete(known)
  }
  credits.set(creditToken, { warmTokens: read, untilMs: now + keptMs })
}

/**
 * What the refused request had read from its cache that a call retries: the call presents its token,
 * as the text itself or as `{ token }`. `undefined` where this process has not seen the refusal.
 */
export function warmTokens({ body }: Call): number | undefined {
  const presented = ownValue(body, 'fallback_credit_token')
  const token = text(presented) ?? text(jsonObject(presented).token)
  const credit = token === undefined ? undefined : credits.get(token)
  return credit === undefined || credit.untilMs < performance.now() ? undefined : credit.warmTokens
}
