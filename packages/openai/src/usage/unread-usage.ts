import { noTokens, unknownUsage, type UsageReading } from '@token-meter/core/wire'

/** The reading of an answer that costs something and does not say what: reported, not invented. */
export function unreadUsage(model: string | undefined, problem: string): UsageReading {
  return { ...unknownUsage(model), tokens: noTokens, problems: [problem] }
}
