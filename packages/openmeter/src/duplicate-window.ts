import { uncertainRefusal, type EventRejection } from '@token-meter/core/sink'

/** For the time that a request is on its way, and for clocks that differ: a part of the window. */
const marginShare = 1 / 24

/**
 * The outcome of an event that may have arrived so long ago that OpenMeter would count it again;
 * `undefined` while it can be sent.
 * @param uncertainSince when its record may first have arrived, in ms since the epoch.
 */
export function outsideDuplicateWindow(
  uncertainSince: number | undefined,
  windowMs: number,
  nowMs: number,
): EventRejection | undefined {
  if (uncertainSince === undefined) return undefined
  if (nowMs - uncertainSince < windowMs * (1 - marginShare)) return undefined
  const since = new Date(uncertainSince).toISOString()
  const limit =
    windowMs === 0
      ? 'This OpenMeter is said to ignore no duplicates (duplicateWindowMs: 0)'
      : `OpenMeter ignores duplicates only for ${Math.round(windowMs / 36_000) / 100} hours (duplicateWindowMs)`
  const reason = `uncertain: whether OpenMeter has it is unknown since ${since}: an attempt got no clear answer, or the outbox is a copy. ${limit}, so to send it again could bill it twice. Look its events up (GET /api/v1/events?id=...): outbox.requeue what OpenMeter does not have, outbox.discard what it has.`
  return { status: 'rejected', reason, ...uncertainRefusal(uncertainSince) }
}
