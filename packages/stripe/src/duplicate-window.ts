import { uncertainRefusal } from '@token-meter/core/sink'
import type { EventOutcome } from './event-outcome.ts'

/** How long Stripe refuses an identifier that it has already. */
const windowMs = 24 * 60 * 60_000

/** For the time that a request is on its way, and for clocks that differ. */
const marginMs = 60 * 60_000

/** Whether Stripe still tells, and still takes back, what it got at a time. */
export function isInDuplicateWindow(time: number, nowMs: number): boolean {
  return nowMs - time < windowMs
}

/**
 * Words for the reason of a record that may have arrived.
 * @param since in ms since the epoch.
 */
export function unknownSince(since: number): string {
  return `Whether Stripe has it is unknown since ${new Date(since).toISOString()}: an attempt got no clear answer, or the outbox is a copy.`
}

/**
 * The outcome of an event that may have arrived so long ago that Stripe would bill it again;
 * `undefined` while it can be sent.
 * @param uncertainSince when its record may first have arrived, in ms since the epoch.
 */
export function outsideDuplicateWindow(
  uncertainSince: number | undefined,
  nowMs: number,
): EventOutcome | undefined {
  if (uncertainSince === undefined || nowMs - uncertainSince < windowMs - marginMs) return undefined
  const reason = `${unknownSince(uncertainSince)} Stripe confirms duplicates only for 24 hours, so to send it again could bill it twice. reconcileUsage compares it with the meter's event summaries, and settles it or sends it again. By hand: outbox.requeue what Stripe does not have, and outbox.discard what it has.`
  return { status: 'rejected', reason, ...uncertainRefusal(uncertainSince) }
}
