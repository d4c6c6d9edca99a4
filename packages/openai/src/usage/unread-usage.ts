import { unknownUsage, type UsageReading } from '@token-meter/core/adapter'

const none = { input: 0, cachedInput: 0, cachedWrite: 0, output: 0 }

/** The reading of an answer that costs something and does not say what: reported, not invented. */
export function unreadUsage(model: string | undefined, problem: string): UsageReading {
  return { ...unknownUsage(model), tokens: none, problems: [problem] }
}
