import { Big } from 'big.js'

/** Of our own, so that settings of the application's copy change no bill. */
const Decimal = Big()
// Only a division cuts digits, and the only one is by the seconds of an hour.
Decimal.DP = 18
Decimal.RM = Decimal.roundHalfUp
export type Decimal = Big

export const zero: Decimal = new Decimal(0)

/** A finite number that is 0 or more, or nothing. */
export function decimal(value: unknown): Decimal | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const known = parsed.get(value)
  if (known !== undefined) return known
  // A number is taken as it prints: with 15 digits it is what somebody wrote.
  const text = String(value).trim()
  if (!/^\d+(?:\.\d*)?(?:e[+-]?\d{1,3})?$|^\.\d+$/i.test(text)) return undefined
  const number = new Decimal(text)
  if (parsed.size >= maxParsed) parsed.clear()
  parsed.set(value, number)
  return number
}

/** Price lists have few different prices, and parsing is most of the work of pricing. */
const parsed = new Map<string | number, Decimal>()
const maxParsed = 1000

/** Decimal text without an exponent, such as `'0.0012345'`. */
export function toText(value: Decimal): string {
  return value.toFixed()
}
