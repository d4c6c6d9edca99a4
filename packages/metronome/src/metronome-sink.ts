/**
 * UsageRecord[] -> Metronome, as usage events.
 *
 * record -> event (to-metronome-event) -> requests of up to 100 (send-events, post-events) -> an
 * outcome for each event -> the record's result.
 */
import {
  isMissingInBuild,
  keylessSink,
  createRate,
  messageOf,
  rejected,
  sendEntries,
  uncertainRefusal,
  type BatchEntry,
  type BeginRequest,
  type EventRequest,
  type PayableEntry,
  type Sink,
  type SinkResult,
  type Unsent,
} from '@token-meter/core/sink'
import { outsideEventWindow } from './event-window.ts'
import { metronomeClient } from './metronome-client.ts'
import type { MetronomeSinkOptions } from './metronome-sink-options.ts'
import { metronomeSinkSettings } from './metronome-sink-settings.ts'
import type { Outcome } from './outcome.ts'
import { postEvents } from './post-events.ts'
import { readable } from './readable.ts'
import { eventsPerRequest, sendEvents, type PostEvents, type QueuedEvent } from './send-events.ts'
import { toMetronomeEvent } from './to-metronome-event.ts'

/**
 * A sink that bills the customers of a Metronome account: one event per record, with all of its
 * tokens, whose transaction id is the record's id, so that it is billed once however often it is
 * sent within Metronome's 34 days. What may have arrived and cannot be sent again within them is
 * rejected, with what to do about it.
 * @throws ConfigError when an option is wrong, or there is no token; while `next build` looks at an
 * application, a missing token is none of that.
 */
export function metronomeSink(options: MetronomeSinkOptions): Sink {
  const settings = metronomeSinkSettings(options)
  if (options.client === undefined && isMissingInBuild(options.bearerToken)) {
    return keylessSink(settings.name)
  }
  const { client, bearerToken } = metronomeClient(options)
  const moment = createRate({ perSecond: settings.eventsPerSecond })

  /** The event of a record, or why none is sent now. */
  function eventsOf({ record, uncertainSince, attempts }: PayableEntry): Unsent<QueuedEvent> {
    const result = outsideEventWindow(record.at, uncertainSince, Date.now())
    if (result !== undefined) return { result }
    try {
      const event = toMetronomeEvent(record, record.customer, settings)
      return { queued: event === undefined ? [] : [{ event, attempts }] }
    } catch (error) {
      const why =
        uncertainSince === undefined ? { code: 'no_event' } : uncertainRefusal(uncertainSince)
      return rejected(`no event could be made of it: ${messageOf(error)}`, why)
    }
  }

  const postWith =
    (begin: BeginRequest<QueuedEvent, Outcome>): PostEvents =>
    async (queued, signal) => {
      const events = queued.map(({ event }) => event)
      let request: EventRequest<Outcome>
      try {
        signal.throwIfAborted()
        // A request goes whole.
        await moment(signal, events.length, events.length)
        request = await begin(queued)
        request.check()
      } catch (error) {
        const reason = `stopped before it was sent: ${messageOf(error)}`
        return { status: 'retry', cause: 'failure', reason }
      }
      const outcome = await postEvents(client, events, settings.timeoutMs, signal)
      // Refused with others, it is sent again.
      if (outcome.status === 'refused' && queued.length > 1) request.answered([], true)
      else request.answered(queued.map(() => outcome))
      return outcome
    }

  function resultOf(outcome: Outcome | undefined, { uncertainSince }: BatchEntry): SinkResult {
    // Without an event there was nothing to bill.
    if (outcome === undefined || outcome.status === 'accepted') return { status: 'accepted' }
    const reason = readable(outcome.reason, bearerToken)
    if (outcome.status === 'refused') {
      if (uncertainSince === undefined) return { status: 'rejected', reason, code: 'refused' }
      const why = uncertainRefusal(uncertainSince)
      return { status: 'rejected', reason: `${reason} ${mayHaveArrived}`, ...why }
    }
    const { afterMs, uncertain, cause } = outcome
    return {
      status: 'retry',
      reason,
      ...(afterMs !== undefined && { afterMs }),
      ...(uncertain && { uncertain }),
      ...(cause === 'event' && { recordOnly: true }),
    }
  }

  return {
    name: settings.name,
    livemode: settings.livemode,
    maxBatch: eventsPerRequest,
    maxConcurrentBatches: 8,
    reportsProgress: true,
    send: (batch, signal, progress) =>
      sendEntries(
        batch,
        {
          eventsOf,
          send: (queued, begin) => sendEvents(queued, postWith(begin), signal),
          idOf: ({ event }) => event.transaction_id,
          outcomeOf: (outcome: Outcome) =>
            outcome.status === 'refused' ? { status: 'rejected' } : outcome,
          resultOf: ([outcome], entry) => resultOf(outcome, entry),
        },
        progress,
      ),
  }
}

const mayHaveArrived =
  '(An earlier attempt got no clear answer, or the outbox is a copy, so Metronome may have it all the same: look for its transaction_id on the Events page before it is requeued.)'
