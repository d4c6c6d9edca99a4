import { datedAhead, dateText, type SinkResult } from '@token-meter/core/sink'
import type { StripeFailure } from './classify-error.ts'
import type { EventRetry } from './event-outcome.ts'

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
  return { status: 'retry', reach: 'event', reason, afterMs: Math.min(tooEarlyMs, minuteMs) }
}
