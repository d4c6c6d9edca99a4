import { mostOfOneResponse, reportedCount, type UsageProblems } from './reported-count.ts'
import type { UsageDetails } from '../usage/usage-details.ts'
import type { UsageReading } from './usage-reading.ts'

/** What a usage object says, without the response around it. */
export type UsageCounts = Pick<UsageReading, 'tokens' | 'total' | 'details' | 'problems'>

type NumericDetail = {
  [Detail in keyof UsageDetails]-?: UsageDetails[Detail] extends number | undefined ? Detail : never
}[keyof UsageDetails]

/** Amounts of money, of which 0 says something: that it was free. */
const amounts: ReadonlySet<string> = new Set<NumericDetail>(['providerCostUsd', 'upstreamCostUsd'])

/** Details from the counts that are there and above zero, and from the amounts that are there. */
export function usageDetails(counts: {
  readonly [Detail in NumericDetail]?: number | undefined
}): UsageDetails {
  const details: { -readonly [Detail in NumericDetail]?: number } = {}
  for (const name in counts) {
    const count = counts[name as NumericDetail]
    if (count || (count === 0 && amounts.has(name))) details[name as NumericDetail] = count
  }
  return details
}

/** What a usage object is of: one response, or many that a provider has added up (a batch). */
export type UsageOf = 'response' | 'sum'

/** Reads counts, each with the name it has in the usage object, and collects what is odd. */
export function countReader(problems: UsageProblems, of: UsageOf = 'response') {
  const most = of === 'sum' ? Number.MAX_SAFE_INTEGER : mostOfOneResponse
  return (value: unknown, name: string): number | undefined =>
    reportedCount(value, name, problems, most)
}

/** xAI reports cost in ticks: https://docs.x.ai/docs/models */
export const xaiTicksPerUsd = 1e10

/** An amount in USD that a provider reports itself; undefined where it is no amount. */
export function reportedUsd(value: unknown, divisor = 1): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value / divisor
    : undefined
}
