import { type Decimal, decimal, toText, zero } from './decimal.ts'

/** What the usage of one record costs, in exact decimals of USD such as `'0.0012345'`. */
export interface UsageCost {
  readonly currency: 'USD'
  /** What the provider charges for it. */
  readonly provider: string
  /** What the customer is billed for it: the provider's cost and the markup. */
  readonly billed: string
  /**
   * `reported` by the provider in its answer, computed from `prices`, or 0 because the record is
   * `unbilled`.
   */
  readonly source: 'reported' | 'prices' | 'unbilled'
  /** The price list's own name of the model, where it was computed. */
  readonly pricedAs?: string
  /**
   * The usage is a sum of several requests, and a price depends on the size of each, which nobody
   * said: the price of the smallest was taken, so that the provider may charge more.
   */
  readonly tierUnknown?: true
}

/** What usage costs that the provider does not bill. */
export const noCost: UsageCost = { currency: 'USD', provider: '0', billed: '0', source: 'unbilled' }

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
