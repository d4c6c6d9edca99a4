/**
 * Events -> requests of up to 100 -> an outcome for each event.
 *
 *     waiting ──> sent ──200───────────────────────────> accepted
 *        ▲          ├──429, 401, 404, no answer, abort──> all to be retried; nothing more is sent
 *        │          ├──5xx────────────────────────────> to be retried; after some attempts divided
 *        └──halves──┴──refused───> divided; alone: rejected
 */
import { chunksOf, halvesOf } from '@token-meter/core/sink'
import type { MetronomeEvent } from './metronome-event.ts'
import type { Outcome, Retry } from './outcome.ts'

/** Metronome takes no more in one request. */
export const eventsPerRequest = 100

/** An event, and how often it was tried before. */
export interface QueuedEvent {
  readonly event: MetronomeEvent
  readonly attempts: number
}

/** After so many attempts a 5xx may be the fault of one event, and not of Metronome at large. */
const patientAttempts = 3
/** To halve 100 down to one event takes 8 requests; this many in vain without a success are an outage. */
const mostFailuresInARow = 12

/** Sends one request of events. Never throws; `retry` without `uncertain` where it was not sent. */
export type PostEvents = (queued: readonly QueuedEvent[], signal: AbortSignal) => Promise<Outcome>

/** Sends events, one request after the other, and says what became of each, in order. Never throws. */
export async function sendEvents(
  queued: readonly QueuedEvent[],
  post: PostEvents,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<QueuedEvent, Outcome>()
  /** Events of requests that may have arrived, whatever becomes of their parts. */
  const uncertain = new Set<QueuedEvent>()
  const waiting = chunksOf(queued, eventsPerRequest)
  let failuresInARow = 0
  let end: Retry | undefined
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    const outcome = end ?? (await post(part, signal))
    failuresInARow = outcome.status === 'retry' ? failuresInARow + 1 : 0
    if (outcome.status === 'retry') {
      if (outcome.uncertain) for (const each of part) uncertain.add(each)
      if (isTheEnd(outcome, failuresInARow, signal)) end ??= unsent(outcome)
    }
    if (end === undefined && shouldDivide(outcome, part)) waiting.unshift(...halvesOf(part))
    else for (const each of part) outcomes.set(each, outcome)
  }
  return queued.map((each): Outcome => {
    const outcome = outcomes.get(each) ?? notSent
    return outcome.status === 'retry' && uncertain.has(each)
      ? { ...outcome, uncertain: true }
      : outcome
  })
}

const notSent: Retry = { status: 'retry', cause: 'failure', reason: 'it was not sent' }

function shouldDivide(outcome: Outcome, part: readonly QueuedEvent[]): boolean {
  if (part.length === 1 || outcome.status === 'accepted') return false
  if (outcome.status === 'refused' || outcome.cause === 'event') return true
  return outcome.mayDivide === true && part.every(({ attempts }) => attempts >= patientAttempts)
}

function isTheEnd(outcome: Retry, failuresInARow: number, signal: AbortSignal): boolean {
  if (signal.aborted || outcome.cause === 'account') return true
  // Where there is no answer, each request takes its whole time: one is enough.
  if (outcome.cause === 'failure' && outcome.mayDivide !== true) return true
  return failuresInARow >= mostFailuresInARow
}

/** What is not sent shares the reason, and certainly did not arrive. */
function unsent(outcome: Retry): Retry {
  const { uncertain: _, ...certain } = outcome
  return certain
}
