/**
 * The wait that a `Retry-After` header asks for, in ms: it is in seconds, or an HTTP date.
 * `undefined` when there is none or it cannot be read.
 */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined
  const seconds = Number(header)
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000
  return Number.isFinite(waitMs) ? Math.max(0, Math.ceil(waitMs)) : undefined
}
