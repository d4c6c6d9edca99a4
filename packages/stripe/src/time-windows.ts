import {
  type EventOutcome,
  type EventRetry,
  type SinkResult,
  dateText,
  datedAhead,
  uncertainRefusal,
} from '@token-meter/core/sink'
import type { StripeFailure } from './classify-error.ts'

const minuteMs = 60_000
/** Stripe takes usage of the past 35 days, and up to 5 minutes ahead. */
const oldestMs = 35 * 24 * 60 * minuteMs
const aheadMs = 5 * minuteMs

/**
 * What becomes of a record of a time that Stripe does not take; `undefined` for any other. One that
 * is too old is a dead letter before it is sent. One from a machine whose clock is ahead is correct
 * but for that, and waits until it can be sent.
 * @param at ms since the epoch.
 * @param uncertainSince then Stripe itself is asked, because it may have it.
 */
export function outsideTimestampWindow(
  at: number,
  uncertainSince: number | undefined,
  nowMs: number,
): SinkResult | undefined {
  const early = datedAhead(at, nowMs, { backend: 'Stripe', aheadMs, ahead: '5 minutes' })
  if (early !== undefined) return early
  if (nowMs - at <= oldestMs || uncertainSince !== undefined) return undefined
  const reason = `it is dated ${dateText(at)}, and Stripe takes only usage of the past 35 calendar days. Bill it by another way, such as an invoice item, and outbox.discard it.`
  return { status: 'rejected', reason, code: 'too_old' }
}

/**
 * The outcome of an event that Stripe refused when by its own clock the event is too far ahead: then
 * it is this machine's clock that is wrong, and the event right as soon as its time has come.
 * `undefined` for any other refusal.
 */
export function aheadOfStripe(
  { timestamp }: { readonly timestamp: string },
  { statusCode, code, headers = {} }: StripeFailure,
): EventRetry | undefined {
  // Refusals for another cause have a code, at least in v2.
  if (statusCode !== 400 || code !== undefined) return undefined
  const { date = '' } = headers
  const tooEarlyMs = Date.parse(timestamp) - Date.parse(date) - aheadMs
  if (!(tooEarlyMs > 0)) return undefined
  const reason = `it is dated ${timestamp}, more than 5 minutes ahead of Stripe's clock (${date}), which Stripe refuses: it is sent when that time has come. Check the clock of this machine.`
  return { status: 'retry', scope: 'event', reason, afterMs: Math.min(tooEarlyMs, minuteMs) }
}

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
