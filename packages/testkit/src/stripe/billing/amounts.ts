import type { Price } from './objects.ts'

const scale = 10n ** 12n

/** Cents as decimal text, in 10^-12 of a cent. */
function parts(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole) * scale + BigInt(fraction.slice(0, 12).padEnd(12, '0'))
}

function unitParts(price: {
  unit_amount_decimal: string | null
  unit_amount: number | null
}): bigint {
  return parts(price.unit_amount_decimal ?? String(price.unit_amount ?? 0))
}

/** What a quantity costs, in cents: rounded once, half up. */
export function amountOf(price: Price, quantity: bigint): number {
  const cost =
    price.tiers === undefined ? unitParts(price) * quantity : tiered(price.tiers, quantity)
  return Number((cost + scale / 2n) / scale)
}

/** Each tier has its own price for what is in it. */
function tiered(tiers: NonNullable<Price['tiers']>, quantity: bigint): bigint {
  let cost = 0n
  let from = 0n
  for (const tier of tiers) {
    const until = tier.up_to === null ? quantity : BigInt(tier.up_to)
    const within = (quantity < until ? quantity : until) - from
    if (within <= 0n) break
    cost += unitParts(tier) * within + BigInt(tier.flat_amount ?? 0) * scale
    from = until
  }
  return cost
}
