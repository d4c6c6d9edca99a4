import { noTokens, type UsageCounts, usageDetails } from '@token-meter/core/wire'

/** The usage of what is billed by its length, and has no tokens. Takes numbers, and text of them. */
export function secondsUsage(seconds: unknown): UsageCounts {
  const number = typeof seconds === 'string' && seconds !== '' ? Number(seconds) : seconds
  const isLength = typeof number === 'number' && Number.isFinite(number) && number >= 0
  return {
    tokens: noTokens,
    details: usageDetails({ seconds: isLength ? number : undefined }),
    problems: isLength ? [] : ['seconds are missing, or are no length of time'],
  }
}
