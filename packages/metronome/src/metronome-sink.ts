/**
 * UsageRecord[] -> Metronome, as usage events.
 *
 * record -> event (to-metronome-event) -> requests of up to 100 (send-events, post-events) -> an
 * outcome for each event -> the record's result.
 */
import type { BatchEntry, Sink, SinkResult } from '@token-meter/core/adapter'
import { outsideEventWindow } from './event-window.ts'
import { metronomeClient } from './metronome-client.ts'
import type { MetronomeSinkOptions } from './metronome-sink-options.ts'
import { metronomeSinkSettings } from './metronome-sink-settings.ts'
import type { Outcome } from './outcome.ts'
import { postEvents } from './post-events.ts'
import { createRate } from './rate.ts'
import { readable } from './readable.ts'
import { eventsPerRequest, sendEvents, type PostEvents, type QueuedEvent } from './send-events.ts'
import { toMetronomeEvent } from './to-metronome-event.ts'

/**
 * A sink that bills the customers of a Metronome account: one event per record, with all of its
 * tokens, whose transaction id is the record's id, so that it is billed once however often it is
 * sent within Metronome's 34 days. What may have arrived and cannot be sent again within them is
 * rejected, with what to do about it.
 * @throws ConfigError when an option is wrong, or there is no token.
 */
export function metronomeSink(options: MetronomeSinkOptions): Sink {
  const settings = metronomeSinkSettings(options)
  const { client, bearerToken } = metronomeClient(options)
  const moment = createRate(settings.eventsPerSecond)

  /** The event of a record, or why none is sent now. */
  function unsentOf({ record, uncertainSince, attempts }: BatchEntry): QueuedEvent | SinkResult {
    if (record.customer === null) return rejected('nobody is named to bill it to: attribute it')
    const outside = outsideEventWindow(record.at, uncertainSince, Date.now())
    if (outside !== undefined) return outside
    try {
      const event = toMetronomeEvent(record, record.customer, settings)
      return event === undefined ? { status: 'accepted' } : { event, attempts }
    } catch (error) {
      return rejected(`no event could be made of it: ${messageOf(error)}`)
    }
  }

  const post: PostEvents = async (events, signal) => {
    try {
      signal.throwIfAborted()
      await moment(events.length, signal)
    } catch (error) {
      const reason = `stopped before it was sent: ${messageOf(error)}`
      return { status: 'retry', cause: 'failure', reason }
    }
    return postEvents(client, events, settings.timeoutMs, signal)
  }

  function resultOf(outcome: Outcome, { uncertainSince }: BatchEntry): SinkResult {
    if (outcome.status === 'accepted') return outcome
    const reason = readable(outcome.reason, bearerToken)
    if (outcome.status === 'refused') {
      return rejected(uncertainSince === undefined ? reason : `${reason} ${mayHaveArrived}`)
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
    maxBatch: eventsPerRequest,
    maxConcurrentBatches: 8,
    send: async ({ entries }, signal) => {
      const unsent = entries.map(unsentOf)
      const queued = unsent.filter((each) => 'event' in each)
      const outcomes = await sendEvents(queued, post, signal)
      return unsent.map((each, index): SinkResult => {
        const entry = entries[index]
        const outcome = 'event' in each ? outcomes.get(each) : undefined
        return outcome === undefined || entry === undefined
          ? (each as SinkResult)
          : resultOf(outcome, entry)
      })
    },
  }
}

const mayHaveArrived =
  '(An earlier attempt got no clear answer, so Metronome may have it all the same: look for its transaction_id on the Events page before it is requeued.)'

function rejected(reason: string): SinkResult {
  return { status: 'rejected', reason }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
