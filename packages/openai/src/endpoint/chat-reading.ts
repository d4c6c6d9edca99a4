import {
  isStated,
  type RefusalBilling,
  unknownUsage,
  type UsageReading,
} from '@token-meter/core/adapter'
import { chatCompletionsUsage } from '../usage/chat-completions.ts'

/** The reading of a usage object that may be missing. */
export function chatReading(
  raw: unknown,
  provider: string,
  model: string | undefined,
  serviceTier: string | undefined,
  { unbilled, problem }: RefusalBilling = {},
): UsageReading {
  const reading =
    raw === undefined || raw === null
      ? unknownUsage(model, serviceTier)
      : { ...chatCompletionsUsage(raw, provider), model, serviceTier, raw }
  if (problem !== undefined) return { ...reading, problems: [...reading.problems, problem] }
  return unbilled === undefined ? reading : { ...reading, unbilled }
}

/** Servers give usage in several places: the first that counts anything, else the first there is. */
export function statedUsage(...candidates: readonly unknown[]): unknown {
  const given = candidates.filter((usage) => usage !== undefined && usage !== null)
  return given.find((usage) => isStated(usage)) ?? given[0]
}
