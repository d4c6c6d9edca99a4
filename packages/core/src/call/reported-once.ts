import type { CompletedReading } from './record-sink.ts'

/**
 * A cost that a gateway reports is that of the whole response, and stands in one of its readings.
 * The other models that worked for it are in that amount: they cost nothing more.
 */
export function reportedOnce(readings: readonly CompletedReading[]): readonly CompletedReading[] {
  if (readings.length < 2) return readings
  const reported = readings.filter(({ reading }) => reading.details.providerCostUsd !== undefined)
  if (reported.length === 0 || reported.length === readings.length) return readings
  return readings.map((completed) => {
    const { reading } = completed
    const isOfSame = reported.some((other) => other.reading.identity === reading.identity)
    if (!isOfSame || reading.details.providerCostUsd !== undefined) return completed
    return {
      ...completed,
      reading: { ...reading, details: { ...reading.details, providerCostUsd: 0 } },
    }
  })
}
