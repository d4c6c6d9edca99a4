/** A year in seconds: more than that is a moment, which some proxies put there, and no wait. */
const yearInSeconds = 366 * 24 * 3600

/**
 * The wait that an answer asks for, in ms: `Retry-After` in seconds or as a date, else
 * `x-ratelimit-reset`, in seconds until Lago's window ends. `undefined` when there is none.
 * @see https://getlago.com/docs/api-reference/rate-limits
 */
export function waitAskedFor(headers: Headers, nowMs: number): number | undefined {
  return (
    waitMs(headers.get('retry-after'), nowMs) ?? waitMs(headers.get('x-ratelimit-reset'), nowMs)
  )
}

function waitMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === '') return undefined
  const seconds = Number(header)
  if (Number.isNaN(seconds)) return positive(Date.parse(header) - nowMs)
  return positive(seconds > yearInSeconds ? seconds * 1000 - nowMs : seconds * 1000)
}

function positive(ms: number): number | undefined {
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : undefined
}
