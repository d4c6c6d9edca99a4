import { ConfigError } from '@token-meter/core/sink'

/** Stripe sums up whole minutes only. */
export const minuteMs = 60_000

/** The beginning of the span of a length that a time is in; all in ms, times since the epoch. */
export function spanStart(time: number, lengthMs: number): number {
  return Math.floor(time / lengthMs) * lengthMs
}

/** The end of that span, or the time itself where a span begins. */
export function spanEnd(time: number, lengthMs: number): number {
  return Math.ceil(time / lengthMs) * lengthMs
}

/**
 * The shortest spans of whole minutes that no sum goes beyond, where usage is summed up in windows.
 * @throws ConfigError for windows that fit into no such spans.
 */
export function spanOfWindows(windowMs: number = minuteMs): number {
  const isWhole = Number.isSafeInteger(windowMs) && windowMs > 0
  if (isWhole && windowMs % minuteMs === 0) return windowMs
  if (isWhole && minuteMs % windowMs === 0) return minuteMs
  throw new ConfigError(
    'reconcileUsage: windowMs must be that of aggregated(), and make up whole minutes or be a whole part of one',
  )
}
