import { unknownUsage, type UsageReading } from '@token-meter/core/adapter'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'

/** The reading of a usage object that may be missing. */
export function chatReading(
  raw: unknown,
  provider: string,
  model: string | undefined,
  serviceTier: string | undefined,
): UsageReading {
  if (raw === undefined || raw === null) return unknownUsage(model, serviceTier)
  return { ...chatCompletionsUsage(raw, provider), model, serviceTier, raw }
}
