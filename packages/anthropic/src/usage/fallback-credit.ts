import { jsonObject, text, type UsageCounts } from '@token-meter/core/wire'

/** What a fallback credit changes about the price of a message. */
export interface FallbackCredit {
  readonly details: Pick<UsageCounts['details'], 'fallbackCredit' | 'creditedWrite'>
  readonly problems: readonly string[]
}

const none: FallbackCredit = { details: {}, problems: [] }

/**
 * What became of the `fallback_credit_token` of a request: once redeemed, what the refused request
 * had read from its model's cache is written to this one's at the price of a read. The answer says
 * that it was redeemed, and not for how many tokens.
 *
 * @param warmTokens those that the refused request had read; `undefined` where nobody knows.
 * https://platform.claude.com/docs/en/build-with-claude/fallback-credit
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
