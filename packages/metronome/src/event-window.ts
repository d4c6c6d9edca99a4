import { datedAhead, dateText, uncertainRefusal, type SinkResult } from '@token-meter/core/sink'

const hourMs = 60 * 60_000
const dayMs = 24 * hourMs

/** Metronome takes events of the past 34 days, and tells duplicates for as long. */
const windowMs = 34 * dayMs
/** Metronome refuses what is dated later. */
const aheadLimit = { backend: 'Metronome', aheadMs: dayMs, ahead: '24 hours' }
/** For the time that a request is on its way, and for clocks that differ. */
const marginMs = hourMs

/**
 * What becomes of a record that Metronome would not take, or could take twice; `undefined` for any
 * other. It is not sent, because one such event makes Metronome refuse its whole request.
 * @param at ms since the epoch.
 * @param uncertainSince when it may first have arrived, in ms since the epoch.
 */
export function outsideEventWindow(
  at: number,
  uncertainSince: number | undefined,
  nowMs: number,
): SinkResult | undefined {
  const early = datedAhead(at, nowMs, aheadLimit)
  if (early !== undefined) return early
  const isTooOld = nowMs - at > windowMs
  if (uncertainSince !== undefined) {
    if (!isTooOld && nowMs - uncertainSince < windowMs - marginMs) return undefined
    const reason = `uncertain: whether Metronome has it is unknown since ${dateText(uncertainSince)}: an attempt got no clear answer, or the outbox is a copy. Metronome tells duplicates, and takes old usage, for 34 days only, so it cannot be sent again. Look for its transaction_id, the record's id, in Metronome's data export or compare the customer's usage; bill what is missing by another way, and outbox.discard it.`
    return { status: 'rejected', reason, ...uncertainRefusal(uncertainSince) }
  }
  if (!isTooOld) return undefined
  const reason = `it is dated ${dateText(at)}, and Metronome takes only usage of the past 34 days. Bill it by another way, such as a scheduled charge, and outbox.discard it.`
  return { status: 'rejected', reason, code: 'too_old' }
}
