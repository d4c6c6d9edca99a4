/**
 * Events -> the meter event stream, 100 a request.
 *
 *     waiting ──place, moment, session──> sent ──200──────────────> all accepted
 *        ▲                                 │ ├──session is over──> new session, sent again
 *        │                                 │ ├──429, 5xx, cut────> all to be retried
 *        └──── two halves ◄──refused───────┘ └──refused, alone───> rejected
 */
import {
  chunksOf,
  halvesOf,
  abortable,
  type BeginRequest,
  type EventRequest,
} from '@token-meter/core/sink'
import { outsideDuplicateWindow } from '../duplicate-window.ts'
import type { EventOutcome, SentEvent } from '../event-outcome.ts'
import { stopped, type EventSender, type QueuedEvent } from '../event-sender.ts'
import type { Pace } from '../pace.ts'
import { requestKey } from '../request-key.ts'
import type { RequestSettings } from '../request-settings.ts'
import { createSendBrake, type SendBrake } from '../send-brake.ts'
import type { SinkClient } from '../stripe-client.ts'
import { makeSession } from './make-session.ts'
import { postEvents, type RequestOutcome } from './post-events.ts'
import { createSession } from './session.ts'

/** Stripe takes no more in one request. */
const eventsPerRequest = 100

/** Sends events 100 a request, several requests at a time, all with one session. */
export function createStreamSender(
  client: SinkClient,
  pace: Pace,
  request: RequestSettings,
): EventSender {
  const closing = new AbortController()
  const session = createSession(() => makeSession(client, request, closing.signal))

  /** Sends events together, and where one of them may be to blame for a refusal, in halves. */
  async function sendTogether(
    queued: readonly QueuedEvent[],
    brake: SendBrake,
    signal: AbortSignal,
    begin: Begin,
  ): Promise<readonly SentEvent[]> {
    const sent = await sendOnce(queued, brake, signal, begin)
    if (sent !== 'split') return sent
    const halves = halvesOf(queued).map((half) => sendTogether(half, brake, signal, begin))
    return (await Promise.all(halves)).flat()
  }

  async function sendOnce(
    queued: readonly QueuedEvent[],
    brake: SendBrake,
    signal: AbortSignal,
    begin: Begin,
  ): Promise<readonly SentEvent[] | 'split'> {
    const open: OpenRequest = { signal, begin, isSent: false }
    const work = async () => {
      if (brake.pulled === undefined) await pace.moment(signal, queued.length)
      const { pulled } = brake
      if (pulled !== undefined) return withOutcome(queued, () => pulled)
      // The last moment: to wait for its turn may have taken long, and so may a sleeping machine.
      const late = tooLate(queued, Date.now())
      const inTime = queued.filter((each) => !late.has(each))
      const answer = inTime.length === 0 ? answered : await post(inTime, open)
      brake.note(answer === 'split' ? answered : answer)
      if (answer === 'split') return answer
      pace.note(answer)
      return withOutcome(queued, (each) => late.get(each) ?? answer)
    }
    try {
      const release = await pace.places.acquire(signal)
      return await abortable(work().finally(release), signal)
    } catch (error) {
      return withOutcome(queued, () => stopped(error, open.isSent))
    }
  }

  /** One request, and if its session turns out to be over, the same again with a new one. */
  async function post(
    queued: readonly QueuedEvent[],
    open: OpenRequest,
  ): Promise<EventOutcome | 'split'> {
    const events = queued.map(({ event }) => event)
    const key = await requestKey(events)
    const { signal } = open
    let marked: EventRequest<SentEvent> | undefined
    let isSecond = false
    for (;;) {
      const token = await session.token()
      if (typeof token !== 'string') return token
      marked ??= await open.begin(queued)
      signal.throwIfAborted()
      if (tooLate(queued, Date.now()).size > 0) {
        marked.answered([], true)
        return waitedTooLong
      }
      marked.check()
      open.isSent = true
      const answer = await client.during(key, signal, async () => {
        const last = await postEvents(client.stripe, events, token, { ...request, key })
        return client.wasRepeated(key) ? afterRepetition(last) : last
      })
      if (answer.is === 'final') {
        marked.answered(withOutcome(queued, () => answer.outcome))
        return answer.outcome
      }
      open.isSent = false
      if (answer.is === 'session') session.drop(token)
      if (answer.is === 'session' && !isSecond) {
        isSecond = true
        continue
      }
      marked.answered([], true)
      return answer.is === 'split' ? 'split' : answer.orElse
    }
  }

  return {
    send: async (queued, signal, begin) => {
      const brake = createSendBrake()
      const requests = chunksOf(queued, eventsPerRequest).map((together) =>
        sendTogether(together, brake, signal, begin),
      )
      return (await Promise.all(requests)).flat()
    },
    close: () => {
      closing.abort(new Error('the sink was closed'))
      client.close()
    },
  }
}

type Begin = BeginRequest<QueuedEvent, SentEvent>

interface OpenRequest {
  readonly signal: AbortSignal
  readonly begin: Begin
  /** Events are under way: they may arrive whatever becomes of the request. */
  isSent: boolean
}

/** Some of it must not be sent again any more, which the next attempt says of each. */
const waitedTooLong: EventOutcome = {
  status: 'retry',
  reach: 'event',
  reason: 'it waited for its turn until some of it could not be sent again',
}

/** For the brake, which any answer of Stripe's releases. */
const answered: EventOutcome = { status: 'accepted' }

function tooLate(
  queued: readonly QueuedEvent[],
  now: number,
): ReadonlyMap<QueuedEvent, EventOutcome> {
  const late = new Map<QueuedEvent, EventOutcome>()
  for (const each of queued) {
    const outcome = outsideDuplicateWindow(each.uncertainSince, now)
    if (outcome !== undefined) late.set(each, outcome)
  }
  return late
}

function withOutcome(
  queued: readonly QueuedEvent[],
  outcome: (each: QueuedEvent) => EventOutcome,
): readonly SentEvent[] {
  return queued.map((each) => ({ id: each.event.identifier, outcome: outcome(each) }))
}

/** stripe-node has sent the request twice by itself: the first may have arrived. */
function afterRepetition(last: RequestOutcome): RequestOutcome {
  if (last.is !== 'final' || last.outcome.status !== 'retry') return last
  return { is: 'final', outcome: { ...last.outcome, uncertain: true } }
}
