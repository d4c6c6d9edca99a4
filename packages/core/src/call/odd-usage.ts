import { UsageError } from '../errors/errors.ts'
import { isZero } from '../usage/token-counts.ts'
import type { Call } from '../wire/call.ts'
import type { CompletedReading } from './record-sink.ts'

/** What there is to report of a usage: that it was odd, has gaps, or never came. */
export function oddUsage(
  { provider, endpoint }: Call,
  { reading, tokens, estimated, unknown, interrupted }: CompletedReading,
  isRecorded: boolean,
): UsageError | undefined {
  if (reading.problems.length > 0) {
    const problems = reading.problems.join('; ')
    const kept = isRecorded ? 'The record keeps it raw.' : 'Nothing is recorded of it.'
    return new UsageError(`${provider} answered odd usage for ${endpoint}: ${problems}. ${kept}`)
  }
  if (estimated.length > 0 && !interrupted) {
    return new UsageError(
      `a call of ${endpoint} at ${provider} gave no count for ${estimated.join(' and ')}; its record is an estimate there`,
    )
  }
  if (unknown !== undefined && isZero(tokens)) {
    return new UsageError(
      `a call of ${endpoint} at ${provider} was cut off before any count; its record bills nothing (onInterrupted: 'partial-only')`,
    )
  }
  return undefined
}
