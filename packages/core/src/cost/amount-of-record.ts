import type { UsageRecord } from '../usage/usage-record.ts'
import { type Amount, amountOfTokens, isQuantity } from './amount-of-tokens.ts'
import { type Decimal, decimal, zero } from '../usage/decimal.ts'
import type { ModelPrice, Usd } from './model-price.ts'
import type { Unpriced } from './price-source.ts'
import type { Quantity, UsageDetails } from '../usage/usage-details.ts'

/** Tiers, speeds and places whose price is the list's own. */
const usual = {
  serviceTiers: new Set(['default', 'standard', 'on_demand']),
  speeds: new Set(['standard']),
  inferenceGeos: new Set(['global', 'not_available']),
}

const secondsPerHour = 3600

/** What a record costs by a price list: all of its usage, or the reason why there is no amount. */
export function amountOfRecord(record: UsageRecord, price: ModelPrice): Amount | Unpriced {
  const tokens = amountOfTokens(record, price)
  if ('unpriced' in tokens) return tokens
  const { details, serviceTier } = record
  let { amount } = tokens
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
  if ('unpriced' in others) return others
  return {
    amount: others.amount === zero ? amount : amount.plus(others.amount),
    tierUnknown: tokens.tierUnknown || others.tierUnknown,
  }
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

const nothing: Amount = { amount: zero, tierUnknown: false }

/** What is billed beside the tokens, or in place of them. */
function amountOfOthers(record: UsageRecord, price: ModelPrice): Amount | Unpriced {
  const { details, requests = 1 } = record
  const { seconds, characters, images } = details
  if (!price.request && !(seconds || characters || images || hasFees(details))) return nothing
  const perRequest = decimal(price.request)
  if (requests === null && perRequest?.gt(0)) {
    return { unpriced: 'it costs by the request, and how many it is the sum of is not known' }
  }
  const billsTokens = Object.values(record.tokens).some((count) => count > 0)
  // Of several requests each is as long as the least, or longer.
  const least = (price.leastSeconds ?? 0) * (requests ?? 1)
  const billed = seconds ? Math.max(seconds, least) : 0
  const all: readonly (readonly [keyof ModelPrice, number, number, isNeeded: boolean])[] = [
    ['request', requests ?? 0, 1000, false],
    ...fees.map(({ detail, price, per, isNeeded }) => {
      return [price, details[detail] ?? 0, per, isNeeded] as const
    }),
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
  const isByTime = billed > 0 && price.hour !== undefined && Boolean(price.leastSeconds)
  return { amount, tierUnknown: isByTime && requests !== 1 }
}

type NameOf<Of, Type> = {
  [Name in keyof Of]-?: Of[Name] extends Type | undefined ? Name : never
}[keyof Of]

/** What is billed by the piece, beside tokens or without any. */
interface Fee {
  readonly detail: Quantity
  readonly price: NameOf<ModelPrice, number | string>
  /** How many the price is of. */
  readonly per: number
  /** Whether usage with it, and without a price of it, has no cost: some are free at most providers. */
  readonly isNeeded: boolean
}

/** Every fee, in the order in which they are added. */
const fees: readonly Fee[] = [
  { detail: 'webSearchRequests', price: 'webSearch', per: 1000, isNeeded: true },
  // Free at Anthropic, the only one that counts them: https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-fetch-tool
  { detail: 'webFetchRequests', price: 'webFetch', per: 1000, isNeeded: false },
  { detail: 'xSearchRequests', price: 'xSearch', per: 1000, isNeeded: true },
  // Of a search that xAI no longer sells; what it sells now counts its sources as well.
  { detail: 'searchSources', price: 'searchSource', per: 1000, isNeeded: false },
  { detail: 'mapsRequests', price: 'maps', per: 1000, isNeeded: true },
  { detail: 'fileSearchCalls', price: 'fileSearch', per: 1000, isNeeded: true },
  // Google's is free, Anthropic's is by the hour, and so is Groq's: only xAI and Mistral bill the call.
  { detail: 'codeExecutionCalls', price: 'codeExecution', per: 1000, isNeeded: false },
  // Of a container that an earlier response made, nothing more is owed.
  { detail: 'containers', price: 'container', per: 1, isNeeded: false },
  { detail: 'pages', price: 'page', per: 1000, isNeeded: true },
  { detail: 'searchUnits', price: 'searchUnit', per: 1000, isNeeded: true },
  { detail: 'classifications', price: 'classification', per: 1000, isNeeded: true },
]

/** Whether something was used that has a price beside the tokens, whatever that is. */
function hasFees(details: UsageDetails): boolean {
  return fees.some(({ detail }) => details[detail])
}
