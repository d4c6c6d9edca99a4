import { decimal } from '../usage/decimal.ts'
import { sumOfCosts } from '../usage/usage-cost.ts'
import { mapCounts } from '../usage/token-counts.ts'
import type { UsageDetails } from '../usage/usage-details.ts'
import type { UsageOutcome, UsageRecord } from '../usage/usage-record.ts'

/** From the one that can be trusted least. */
const weakestFirst: readonly UsageOutcome[] = ['estimated', 'partial', 'complete']

/**
 * One record in place of several of one customer and price: counts and quantities are their sums,
 * the outcome is the weakest, `at` the latest. It says of how many requests it is the sum, and has
 * no `raw` and no ids of the provider's.
 */
export function sumOfRecords(
  id: string,
  records: readonly [UsageRecord, ...UsageRecord[]],
): UsageRecord {
  const [first] = records
  // Records of before a token type was added have no count of it.
  const tokens = mapCounts((count) =>
    records.reduce((sum, record) => sum + (record.tokens[count] ?? 0), 0),
  )
  let { at } = first
  for (const record of records) at = Math.max(at, record.at)
  const { requestedModel, cost: _, responseId: __, requestId: ___, parts, ...common } = first
  const cost = sumOfCosts(records.map((record) => record.cost))
  return {
    ...common,
    id,
    requestedModel: records.every((record) => record.requestedModel === requestedModel)
      ? requestedModel
      : null,
    tokens,
    ...(records.length > 1 ? { requests: sumOfRequests(records) } : parts && { parts }),
    details: sumOfDetails(records),
    outcome:
      weakestFirst.find((outcome) => records.some((record) => record.outcome === outcome)) ??
      first.outcome,
    at,
    ...(cost !== undefined && { cost }),
    raw: null,
  }
}

function sumOfRequests(records: readonly UsageRecord[]): number | null {
  let sum = 0
  for (const { requests = 1 } of records) {
    if (requests === null) return null
    sum += requests
  }
  return sum
}

/** Numbers are added, lists joined; of texts, which are the same in all or name one call, one stays. */
function sumOfDetails(records: readonly UsageRecord[]): UsageDetails {
  const sums: Record<string, unknown> = {}
  for (const { details } of records) {
    for (const [name, value] of Object.entries(details) as [string, unknown][]) {
      const sum = sums[name]
      if (typeof value === 'number') sums[name] = typeof sum === 'number' ? plus(sum, value) : value
      else if (Array.isArray(value))
        sums[name] = [...new Set([...(Array.isArray(sum) ? sum : []), ...value])]
      else if (!(name in oneCallOnly)) sums[name] = value
    }
  }
  return sums
}

/** Amounts of money have no exact sum as floats. */
function plus(one: number, other: number): number {
  const sum = one + other
  if (Number.isInteger(sum)) return sum
  return (
    decimal(one)
      ?.plus(decimal(other) ?? 0)
      .toNumber() ?? sum
  )
}

/** Details that mean one call and nothing to a sum. */
const oneCallOnly = { gatewayCallId: true }

/** The details that say at which price, so that only what has the same can be summed. */
export function priceDetails(details: UsageDetails): readonly (readonly [string, unknown])[] {
  return Object.entries(details)
    .filter(([name, value]) => saysPrice(value) && !(name in oneCallOnly))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function saysPrice(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean'
}
