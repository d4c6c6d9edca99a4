/** Collects what was odd about a provider's usage object, so that it is reported and not thrown. */
export type UsageProblems = string[]

/** No single response uses more of anything: what is beyond this is a fault of who counted. */
export const mostOfOneResponse = 1e9

/**
 * One count from a provider's usage object. A missing or null count is `undefined` (unknown, which
 * is not zero); so is one that cannot be true (negative, NaN, above `most`), and that is added to
 * `problems`. A fraction is rounded up to the next whole token, as a seller would, and reported too.
 *
 * @param most what a count can be at the most; a sum of many responses can be more than one.
 */
export function reportedCount(
  value: unknown,
  name: string,
  problems: UsageProblems,
  most: number = mostOfOneResponse,
): number | undefined {
  if (value === undefined || value === null) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) {
    return (value as number) + 0
  }
  const number = asNumber(value)
  if (number !== undefined && number >= 0 && number <= most) {
    problems.push(`${name} is ${String(value)}, counted as ${Math.ceil(number)}`)
    return Math.ceil(number)
  }
  problems.push(`${name} is ${describe(value)}, which cannot be a token count`)
  return undefined
}

/** Some gateways serialise 64-bit counts as strings, and some parsers read them as bigints. */
function asNumber(value: unknown): number | undefined {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  return typeof value === 'number' ? value : undefined
}

function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value).slice(0, 40)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
