/**
 * Events -> Lago, 100 a request, one request at a time.
 *
 *     waiting ──> sent ──200──────────────> accepted
 *        ▲         │ ├──422 by place──────> those: accepted (Lago has them) or rejected
 *        │         │ │        └── the others are sent again, without them
 *        │         │ ├──refused, unnamed──> in halves, until the one to blame is alone: rejected
 *        │         │ └──failed────────────> all to be retried, and nothing more is sent now
 *        └─────────┘       └── but where one of them may be to blame: in halves, as long as one
 *                              half comes through
 */
import { chunksOf, halvesOf, type EventOutcome, type EventRetry } from '@token-meter/core/sink'
import type { FailedRequest, RequestOutcome } from './request-outcome.ts'
import type { LagoEvent } from './to-lago-events.ts'

/** Lago takes no more in one request. */
export const eventsPerRequest = 100

/** A 500 is an outage until it came so often. */
const patience = 3

export interface QueuedEvent {
  readonly event: LagoEvent
  /** How often its record was tried before. */
  readonly attempts: number
}

export type PostEvents = (queued: readonly QueuedEvent[]) => Promise<RequestOutcome>

/** Sends events and answers what became of each, by `transaction_id`. */
export async function sendEvents(
  queued: readonly QueuedEvent[],
  post: PostEvents,
): Promise<ReadonlyMap<string, EventOutcome>> {
  const sending: Sending = { post, outcomes: new Map(), mayBeStored: new Set(), stop: undefined }
  for (const together of chunksOf(queued, eventsPerRequest)) {
    await sendTogether(sending, together)
  }
  return sending.outcomes
}

interface Sending {
  readonly post: PostEvents
  readonly outcomes: Map<string, EventOutcome>
  /** Events that Lago may have from a request that it refused. */
  readonly mayBeStored: Set<string>
  /** Why nothing more is sent now. */
  stop: EventRetry | undefined
}

/** What is left of a request that failed. */
interface Left extends FailedRequest {
  readonly events: readonly QueuedEvent[]
}

async function sendTogether(sending: Sending, queued: readonly QueuedEvent[]): Promise<void> {
  const left = await tryTogether(sending, queued)
  if (left === undefined) return
  if (left.events.length > 1 && mayBeOneOf(left)) await isolate(sending, left)
  else giveUp(sending, left)
}

/** Sends until all is settled but what it answers. */
async function tryTogether(
  sending: Sending,
  queued: readonly QueuedEvent[],
): Promise<Left | undefined> {
  let events = queued
  while (events.length > 0) {
    if (sending.stop !== undefined) return { is: 'failed', retry: sending.stop, events }
    const outcome = await sending.post(events)
    if (outcome.is === 'failed') return { ...outcome, events }
    if (outcome.is === 'answered') {
      for (const each of events) {
        settle(sending, each, outcome.ids.has(idOf(each)) ? { status: 'accepted' } : notNamed)
      }
      return undefined
    }
    if (outcome.is === 'refused') {
      const { reason } = outcome
      const [only] = events
      if (only !== undefined && events.length === 1) {
        settle(sending, only, { status: 'rejected', reason, code: 'refused' })
      } else for (const half of halvesOf(events)) await sendTogether(sending, half)
      return undefined
    }
    const { verdicts } = outcome
    for (const [place, verdict] of verdicts) {
      const judged = events[place]
      if (judged !== undefined) settle(sending, judged, verdict)
    }
    events = events.filter((_, place) => !verdicts.has(place))
    if (outcome.othersMayBeStored) for (const each of events) sending.mayBeStored.add(idOf(each))
  }
  return undefined
}

/** Finds the event that the failure is about. Where both halves fail, it is about none: an outage. */
async function isolate(sending: Sending, left: Left): Promise<void> {
  const failed: Left[] = []
  for (const half of halvesOf(left.events)) {
    const more = await tryTogether(sending, half)
    if (more !== undefined) failed.push(more)
  }
  const [first, second] = failed
  if (second !== undefined) for (const each of failed) giveUp(sending, each)
  else if (first !== undefined && first.events.length > 1) await isolate(sending, first)
  else if (first !== undefined) giveUp(sending, { ...first, isTheirs: true })
}

function mayBeOneOf({ suspect, events }: Left): boolean {
  if (suspect === 'refusal') return true
  return suspect === 'crash' && events.some(({ attempts }) => attempts >= patience)
}

function giveUp(sending: Sending, { retry, events, isTheirs }: Left): void {
  for (const each of events) settle(sending, each, retry)
  // What failed may have arrived; what is not sent has not.
  const { uncertain: _, ...unsent } = retry
  if (isTheirs !== true) sending.stop ??= unsent
}

function settle(sending: Sending, each: QueuedEvent, outcome: EventOutcome): void {
  const id = idOf(each)
  const doubt = outcome.status === 'retry' && sending.mayBeStored.has(id)
  sending.outcomes.set(id, doubt ? { ...outcome, uncertain: true } : outcome)
}

const notNamed: EventRetry = {
  status: 'retry',
  reason: "Lago's answer does not name it among the events that it took",
  uncertain: true,
}

function idOf({ event }: QueuedEvent): string {
  return event.transaction_id
}
