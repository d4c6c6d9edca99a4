import { type UsageReading, isErrorAnswer, noTokens, unknownUsage } from '@token-meter/core/wire'

/** True for an error in place of an answer. */
export function isRefusal(body: unknown): boolean {
  return isErrorAnswer(body, 'usage', ['choices', 'data', 'output'])
}

/** The reading of an answer that costs something and does not say what: reported, not invented. */
export function unreadUsage(model: string | undefined, problem: string): UsageReading {
  return { ...unknownUsage(model), tokens: noTokens, problems: [problem] }
}
