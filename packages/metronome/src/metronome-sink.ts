/**
 * UsageRecord[] -> Metronome: record -> event (metronome-events) -> requests of up to 100 (core's
 * chunked sender) -> what an answer means (ingest) -> the record's result.
 */
import {
  createChunkedSender,
  createTokenBucket,
  eventSink,
  isMissingInBuild,
  keylessSink,
  noEvent,
  recordResult,
  uncertainRefusal,
  type BatchEntry,
  type PayableEntry,
  type SentEvent,
  type Sink,
  type SinkResult,
  type Unsent,
} from '@token-meter/core/sink'
import { ingest, readable } from './ingest.ts'
import { metronomeClient } from './metronome-client.ts'
import { outsideEventWindow, toMetronomeEvent, type MetronomeEvent } from './metronome-events.ts'
import { metronomeSinkSettings, type MetronomeSinkOptions } from './options.ts'

/** Metronome takes no more in one request. */
const eventsPerRequest = 100

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
  const { name, livemode, eventsPerSecond, timeoutMs } = settings
  if (options.client === undefined && isMissingInBuild(options.bearerToken)) {
    return keylessSink(name)
  }
  const { client, bearerToken } = metronomeClient(options)

  const sender = createChunkedSender<MetronomeEvent>({
    name: 'Metronome',
    eventsPerRequest,
    limiter: { acquire: createTokenBucket({ perSecond: eventsPerSecond }) },
    // To halve 100 down to one event takes 8 requests, and there may be two to find.
    failedPartsThreshold: 12,
    post: (queued, { check, signal }) => {
      check()
      const events = queued.map(({ event }) => event)
      return ingest(client, events, timeoutMs, signal)
    },
  })

  function eventsOf(entry: PayableEntry): Unsent<MetronomeEvent> {
    const { record, uncertainSince } = entry
    const result = outsideEventWindow(record.at, uncertainSince, Date.now())
    if (result !== undefined) return { result }
    try {
      const event = toMetronomeEvent(record, record.customer, settings)
      return { events: event === undefined ? [] : [event] }
    } catch (error) {
      return noEvent(entry, error)
    }
  }

  return eventSink(
    { name, livemode, maxBatch: eventsPerRequest, maxConcurrentBatches: 8 },
    {
      eventsOf,
      idOf: (event) => event.transaction_id,
      sender,
      readable: (reason) => readable(reason, bearerToken),
      resultOf,
    },
  )
}

function resultOf(sent: readonly SentEvent[], entry: BatchEntry): SinkResult {
  const result = recordResult(entry.deliveredEventIds, sent)
  const { uncertainSince } = entry
  if (result.status !== 'rejected' || uncertainSince === undefined) return result
  const reason = `${result.reason} ${mayHaveArrived}`
  return { ...result, reason, ...uncertainRefusal(uncertainSince) }
}

const mayHaveArrived =
  '(An earlier attempt got no clear answer, or the outbox is a copy, so Metronome may have it all the same: look for its transaction_id on the Events page before it is requeued.)'
