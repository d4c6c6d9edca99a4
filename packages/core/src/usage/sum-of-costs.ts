import { decimal, type Decimal, toText, zero } from './decimal.ts'
import type { UsageCost } from './usage-cost.ts'

/** What several records of one price cost together, or nothing where one has no cost. */
export function sumOfCosts(costs: readonly (UsageCost | undefined)[]): UsageCost | undefined {
  const [first] = costs
  if (first === undefined || costs.includes(undefined)) return undefined
  const known = costs as readonly UsageCost[]
  const { pricedAs, tierUnknown: _, ...cost } = first
  const isSame = (name: 'source' | 'pricedAs') =>
    known.every((other) => other[name] === first[name])
  return {
    ...cost,
    provider: toText(sum(known.map(({ provider }) => provider))),
    billed: toText(sum(known.map(({ billed }) => billed))),
    source: isSame('source') ? first.source : 'prices',
    ...(pricedAs !== undefined && isSame('pricedAs') && { pricedAs }),
    ...(known.some(({ tierUnknown }) => tierUnknown) && { tierUnknown: true }),
  }
}

function sum(amounts: readonly string[]): Decimal {
  let total = zero
  for (const amount of amounts) total = total.plus(decimal(amount) ?? zero)
  return total
}
