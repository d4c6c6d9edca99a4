/** What an amount of money is counted in: millionths or billionths of a US dollar. */
export type CostUnit = 'micro-usd' | 'nano-usd'

const places: Readonly<Record<CostUnit, number>> = { 'micro-usd': 6, 'nano-usd': 9 }

/** Whether an amount of USD is whole units, so that rounding does not change it. */
export function isWholeUnits(amount: string, unit: CostUnit): boolean {
  const [, fraction = ''] = amount.split('.')
  return !/[1-9]/.test(fraction.slice(places[unit]))
}

/**
 * An amount of USD as a whole number of units, rounded half up; `undefined` for what is no decimal
 * text of 0 or more. Digits are moved and none is computed with, so that nothing else is rounded: it
 * needs no decimal arithmetic, and would be wrong with floats.
 */
export function wholeUnits(amount: unknown, unit: CostUnit): bigint | undefined {
  if (typeof amount !== 'string') return undefined
  const [, whole, fraction = ''] = /^(\d{1,100})(?:\.(\d*))?$/.exec(amount) ?? []
  if (whole === undefined) return undefined
  const kept = places[unit]
  const units = BigInt(whole + fraction.slice(0, kept).padEnd(kept, '0'))
  // Half up: the first digit that is cut decides.
  return fraction.charAt(kept) >= '5' ? units + 1n : units
}
