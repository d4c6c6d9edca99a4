import { retryAfterMs } from '@token-meter/core/sink'

/** A year: more than that is a moment, which some proxies put there, and no wait. */
const yearMs = 366 * 24 * 3600 * 1000

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
  const momentMs = Number(header) * 1000
  if (!(momentMs > yearMs) || momentMs === Infinity) return retryAfterMs(header, nowMs)
  return Math.max(0, Math.ceil(momentMs - nowMs))
}
