/**
 * Events -> OpenMeter, 100 a request.
 *
 *     waiting ──> sent ──202, 204──────> all accepted
 *        ▲         │ └──anything else──> all to be retried, and what still waits with them
 *        │         └──refused, alone───> rejected
 *        └── two halves ◄──refused, with others
 *
 * One request at a time: a batch is a few of them, delivery sends several batches at a time, and
 * after a failure nothing more has to be tried.
 */
import {
  chunksOf,
  halvesOf,
  messageOf,
  type BeginRequest,
  type EventOutcome,
  type EventRequest,
  type EventRetry,
  type SentEvent,
} from '@token-meter/core/sink'
import type { CloudEvent } from './cloud-event.ts'
import { outsideDuplicateWindow } from './duplicate-window.ts'
import type { IngestClient } from './ingest-client.ts'
import type { OpenMeterSinkSettings } from './open-meter-sink-settings.ts'
import { postEvents } from './post-events.ts'

/** OpenMeter names no limit; a hundred stay far below the 1 MB that proxies take. */
const eventsPerRequest = 100

/** One event, and since when it may have arrived. */
export interface QueuedEvent {
  readonly event: CloudEvent
  /** In ms since the epoch; absent while it certainly has not. */
  readonly uncertainSince: number | undefined
}

/** Sends events and says what became of each, in order. Never throws. */
export async function sendEvents(
  client: IngestClient,
  queued: readonly QueuedEvent[],
  settings: Pick<OpenMeterSinkSettings, 'duplicateWindowMs' | 'timeoutMs'>,
  signal: AbortSignal,
  begin: BeginRequest<QueuedEvent, SentEvent>,
): Promise<readonly SentEvent[]> {
  const outcomes = new Map<QueuedEvent, EventOutcome>()
  let halt: EventRetry | undefined

  async function sendTogether(together: readonly QueuedEvent[]): Promise<void> {
    if (signal.aborted) halt ??= stoppedBefore(signal.reason)
    if (halt !== undefined) return
    const ready = together.filter((each) => {
      // The last moment: requests before it, and a sleeping machine, may have taken long.
      const late = outsideDuplicateWindow(
        each.uncertainSince,
        settings.duplicateWindowMs,
        Date.now(),
      )
      if (late !== undefined) outcomes.set(each, late)
      return late === undefined
    })
    if (ready.length === 0) return
    let request: EventRequest<SentEvent>
    try {
      request = await begin(ready)
      request.check()
    } catch (error) {
      halt ??= stoppedBefore(error)
      return
    }
    const events = ready.map(({ event }) => event)
    const answer = await postEvents(client, events, settings.timeoutMs, signal)
    if (answer.is === 'refused' && ready.length > 1) {
      request.answered([], true)
      return sendHalves(ready)
    }
    const outcome: EventOutcome =
      answer.is === 'refused'
        ? { status: 'rejected', reason: answer.reason, code: 'refused' }
        : answer.outcome
    for (const each of ready) outcomes.set(each, outcome)
    request.answered(ready.map(({ event }) => ({ id: event.id, outcome })))
    if (outcome.status !== 'retry') return
    // What was under way may have arrived; what is not sent has not.
    const { uncertain: _, ...unsent } = outcome
    halt = unsent
  }

  async function sendHalves(refused: readonly QueuedEvent[]): Promise<void> {
    for (const half of halvesOf(refused)) await sendTogether(half)
  }

  for (const together of chunksOf(queued, eventsPerRequest)) await sendTogether(together)
  return queued.map((each) => ({
    id: each.event.id,
    outcome: outcomes.get(each) ?? halt ?? stoppedBefore(undefined),
  }))
}

function stoppedBefore(why: unknown): EventRetry {
  return { status: 'retry', reason: `stopped before it was sent: ${messageOf(why)}` }
}
