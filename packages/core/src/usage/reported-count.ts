/** Collects what was odd about a provider's usage object, so that it is reported and not thrown. */
export type UsageProblems = string[]

/**
 * One count from a provider's usage object. A missing or null count is `undefined` (unknown, which
 * is not zero); so is one that cannot be true (negative, NaN, beyond safe integers), and that is
 * added to `problems`. A fraction is rounded up to the next whole token, as a seller would, and
 * reported too.
 */
export function reportedCount(
  value: unknown,
  name: string,
  problems: UsageProblems,
): number | undefined {
  if (value === undefined || value === null) return undefined
  if (Number.isSafeInteger(value) && (value as number) >= 0) return (value as number) + 0
  // Some gateways serialise 64-bit counts as strings.
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && number >= 0 && number <= Number.MAX_SAFE_INTEGER) {
    problems.push(`${name} is ${JSON.stringify(value)}, counted as ${Math.ceil(number)}`)
    return Math.ceil(number)
  }
  problems.push(`${name} is ${describe(value)}, which cannot be a token count`)
  return undefined
}

function describe(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
