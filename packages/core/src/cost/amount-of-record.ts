import type { UsageRecord } from '../usage/usage-record.ts'
import { amountOfTokens, isQuantity } from './amount-of-tokens.ts'
import { decimal, type Decimal, zero } from '../usage/decimal.ts'
import type { ModelPrice, Usd } from './model-price.ts'
import type { Unpriced } from './price-source.ts'

/** Tiers, speeds and places whose price is the list's own. */
const usual = {
  serviceTiers: new Set(['default', 'standard', 'on_demand']),
  speeds: new Set(['standard']),
  inferenceGeos: new Set(['global', 'not_available']),
}

const secondsPerHour = 3600

/** What a record costs by a price list: all of its usage, or the reason why there is no amount. */
export function amountOfRecord(record: UsageRecord, price: ModelPrice): Decimal | Unpriced {
  const tokens = amountOfTokens(record, price)
  if ('unpriced' in tokens) return tokens
  const { details, serviceTier } = record
  let amount = tokens
  for (const [kind, name] of [
    ['serviceTiers', serviceTier],
    ['speeds', details.speed],
    ['inferenceGeos', details.inferenceGeo],
  ] as const) {
    const factor = factorOf(price, kind, name)
    if (factor === undefined) continue
    if ('unpriced' in factor) return factor
    amount = amount.times(factor)
  }
  const others = amountOfOthers(record, price)
  if (others === undefined) return amount
  return 'unpriced' in others ? others : amount.plus(others)
}

function factorOf(
  price: ModelPrice,
  kind: keyof typeof usual,
  name: string | null | undefined,
): Decimal | Unpriced | undefined {
  if (!name) return undefined
  const key = name.toLowerCase()
  const factors = price[kind] ?? {}
  for (const tier in factors) {
    if (tier.toLowerCase() === key) return decimal(factors[tier]) ?? noFactor(kind, key)
  }
  return usual[kind].has(key) ? undefined : noFactor(kind, key)
}

function noFactor(kind: keyof typeof usual, name: string): Unpriced {
  return { unpriced: `there is no factor for "${name}" in ${kind}` }
}

/** What is billed beside the tokens, or in place of them. */
function amountOfOthers(record: UsageRecord, price: ModelPrice): Decimal | Unpriced | undefined {
  const { webSearchRequests, webFetchRequests, seconds, characters, images } = record.details
  if (
    !price.request &&
    !(webSearchRequests || webFetchRequests || seconds || characters || images)
  ) {
    return undefined
  }
  const billsTokens = Object.values(record.tokens).some((count) => count > 0)
  const least = price.leastSeconds ?? 0
  const billed = seconds ? Math.max(seconds, least) : 0
  const all: readonly (readonly [keyof ModelPrice, number, number, isNeeded: boolean])[] = [
    ['request', 1, 1000, false],
    ['webSearch', webSearchRequests ?? 0, 1000, true],
    // Free at Anthropic, the only one that counts them: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool
    ['webFetch', webFetchRequests ?? 0, 1000, false],
    // With tokens beside them they are information.
    ['hour', billed, secondsPerHour, !billsTokens],
    ['character', characters ?? 0, 1_000_000, !billsTokens],
    ['image', images ?? 0, 1, !billsTokens],
  ]
  let amount = zero
  for (const [name, count, per, isNeeded] of all) {
    if (count === 0) continue
    if (!isQuantity(count)) return { unpriced: 'its details contradict its counts' }
    const perUnit = decimal(price[name] as Usd | undefined)
    if (perUnit !== undefined) amount = amount.plus(perUnit.times(count).div(per))
    else if (isNeeded) return { unpriced: `there is no price of ${name}` }
  }
  return amount
}
