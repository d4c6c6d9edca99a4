/**
 * Amounts of a unit. At the door they are decimal text (`'0.0012345'`); inside they are whole numbers
 * of the smallest part, as `bigint`: of a dollar 10^-12, so that a price per million tokens in
 * micro-dollars times tokens is exact; of tokens one. A number of JavaScript is exact up to 9,007
 * dollars only, and never used.
 */

/** What an account counts in. */
export type Unit = 'usd' | 'tokens'

/** An amount, as decimal text of one unit: `{ usd: '25' }`, `{ tokens: '1000000' }`. */
export type Amount =
  | { readonly usd: string; readonly tokens?: never }
  | { readonly tokens: string; readonly usd?: never }

/** Who did something, for the entries: a user of a dashboard, a webhook. */
export interface Actor {
  /** @default 'api' */
  readonly actor?: string
}

/** Digits behind the point, by unit. */
const scales: Readonly<Record<Unit, number>> = { usd: 12, tokens: 0 }

export function isUnit(value: unknown): value is Unit {
  return typeof value === 'string' && Object.hasOwn(scales, value)
}

/** So many parts of a dollar are a cent. */
export const centParts = 10_000_000_000n

/** The most that an amount, and the balance of an account, can be: what fits into 64 bits. */
export const maxParts = 9_000_000_000_000_000_000n

/** How digits behind the last one that counts are treated: refused, or rounded once. */
export type Rounding = 'exact' | 'half-up' | 'most'

/**
 * Reads decimal text.
 * @param rounding `half-up` for what was computed, such as the cost of a record; `most` for what it can be at the
 * most, which is rounded up, and is what any account can have where it is more; what somebody wrote is taken
 * exactly or not at all.
 * @throws TypeError for what is no decimal text; RangeError for one that is too large or too fine.
 */
export function parseAmount(text: unknown, unit: Unit, rounding: Rounding = 'exact'): bigint {
  const match = typeof text === 'string' ? /^(-?)(\d{1,30})(?:\.(\d{1,60}))?$/.exec(text) : null
  if (match === null) {
    throw new TypeError(
      `expected an amount as decimal text, such as '25' or '0.0012', got ${got(text)}`,
    )
  }
  const [, sign, whole = '0', fraction = ''] = match
  const scale = scales[unit]
  const kept = fraction.slice(0, scale).padEnd(scale, '0')
  const rest = fraction.slice(scale)
  if (rounding === 'exact' && /[1-9]/.test(rest)) {
    throw new RangeError(`an amount of ${unit} has at most ${scale} decimals, got ${got(text)}`)
  }
  const isUp =
    rounding === 'most' ? /[1-9]/.test(rest) : rest !== '' && rest.charCodeAt(0) >= fiveCode
  const parts = BigInt(whole + kept) + (isUp ? 1n : 0n)
  if (parts > maxParts) {
    if (rounding === 'most' && sign === '') return maxParts
    throw new RangeError(`an amount is at most ${formatAmount(maxParts, unit)} ${unit}`)
  }
  return sign === '-' ? -parts : parts
}

const fiveCode = '5'.charCodeAt(0)

const longestShown = 60

/** What was got in place of something else, for people: text is cut, and of an object only that it is one. */
export function got(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(
      value.length > longestShown ? `${value.slice(0, longestShown)}...` : value,
    )
  }
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return 'an array'
    if (!isDate(value)) return 'an object'
    return Number.isNaN(Number(value)) ? 'a Date that is none' : 'a Date'
  }
  if (typeof value === 'function') return 'a function'
  return typeof value === 'number' ? `the number ${value}` : String(value)
}

/** Also of another realm, as under Jest. */
export function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]'
}

/** Decimal text without zeros that say nothing: `'0.5'`, `'25'`, `'-0.000000000001'`. */
export function formatAmount(parts: bigint, unit: Unit): string {
  const scale = scales[unit]
  const digits = (parts < 0n ? -parts : parts).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '')
  const text = fraction === '' ? whole : `${whole}.${fraction}`
  return parts < 0n ? `-${text}` : text
}
