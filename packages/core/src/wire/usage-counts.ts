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

/** Reads one count; `undefined` where it is not there, or is none. */
export type CountReader = (value: unknown, name: string) => number | undefined

/** Reads counts, each with the name it has in the usage object, and collects what is odd. */
export function countReader(problems: UsageProblems, of: UsageOf = 'response'): CountReader {
  const most = of === 'sum' ? Number.MAX_SAFE_INTEGER : mostOfOneResponse
  return (value, name) => reportedCount(value, name, problems, most)
}

/** xAI reports cost in ticks: https://docs.x.ai/docs/models */
export const xaiTicksPerUsd = 1e10

/** An amount in USD that a provider reports itself; undefined where it is no amount. */
export function reportedUsd(value: unknown, divisor = 1): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value / divisor
    : undefined
}

/** Collects what was odd about a provider's usage object, so that it is reported and not thrown. */
export type UsageProblems = string[]

/** No single response uses more of anything: what is beyond this is a fault of who counted. */
export const mostOfOneResponse = 1e9

/**
 * One count from a provider's usage object. A missing or null count is `undefined` (unknown, which
 * is not zero); so is one that cannot be true (negative, NaN, above `most`), and that is added to
 * `problems`. A fraction is rounded up to the next whole token, as a seller would, and reported too.
 *
 * @param most what a count can be at the most; a sum of many responses can be more than one.
 */
export function reportedCount(
  value: unknown,
  name: string,
  problems: UsageProblems,
  most: number = mostOfOneResponse,
): number | undefined {
  if (value === undefined || value === null) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) {
    return (value as number) + 0
  }
  const number = asNumber(value)
  if (number !== undefined && number >= 0 && number <= most) {
    problems.push(`${name} is ${String(value)}, counted as ${Math.ceil(number)}`)
    return Math.ceil(number)
  }
  problems.push(`${name} is ${describe(value)}, which cannot be a token count`)
  return undefined
}

/** Some gateways serialise 64-bit counts as strings, and some parsers read them as bigints. */
function asNumber(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  return typeof value === 'number' ? value : undefined
}

function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value).slice(0, 40)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
