import type { SinkResult } from '../sink.ts'

/** A clock that is put right should not have to wait for what it would have been. */
const longestWaitMs = 60_000

/** How far ahead of now a backend takes usage. */
export interface AheadLimit {
  /** For people: `Stripe`. */
  readonly backend: string
  readonly aheadMs: number
  /** The same for people: `5 minutes`. */
  readonly ahead: string
}

/**
 * The result of a record of a time that a backend does not take yet: it is correct but for its
 * machine's clock, and waits until it can be sent. `undefined` for any other.
 * @param at ms since the epoch.
 */
export function datedAhead(
  at: number,
  nowMs: number,
  { backend, aheadMs, ahead }: AheadLimit,
): SinkResult | undefined {
  const tooEarlyMs = at - nowMs - aheadMs
  if (!(tooEarlyMs > 0)) return undefined
  const reason = `it is dated ${dateText(at)}, more than ${ahead} ahead of this machine's clock, which ${backend} refuses: it is sent when that time has come. Check the clock of the machine that recorded it.`
  return { status: 'retry', reason, afterMs: Math.min(tooEarlyMs, longestWaitMs), recordOnly: true }
}

/** A time in a reason. One that is no date must not throw there. */
export function dateText(at: number): string {
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : String(at)
}
