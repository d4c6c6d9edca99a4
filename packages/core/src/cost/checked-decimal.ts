import { ConfigError } from '../errors/errors.ts'
import { type Decimal, decimal } from '../usage/decimal.ts'

/** @throws ConfigError when `value` is no number, or is below `least`. */
export function checkedDecimal(what: string, value: unknown, least: number): Decimal {
  const isNegative = String(value).startsWith('-')
  const size = decimal(isNegative ? String(value).slice(1) : value)
  const number = isNegative ? size?.negated() : size
  if (number !== undefined && number.isGreaterThanOrEqualTo(least)) return number
  throw new ConfigError(
    `${what} must be a number, or decimal text, of ${least} or more, got ${String(value)}`,
  )
}
