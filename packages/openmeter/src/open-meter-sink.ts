/**
 * UsageRecord[] -> OpenMeter: record -> CloudEvents (cloud-events) -> requests of up to 100 (core's
 * chunked sender) -> what an answer means (ingest) -> the record's result.
 */
import {
  createChunkedSender,
  eventSink,
  isMissingInBuild,
  keylessSink,
  noEvent,
  uncertainRefusal,
  withoutKey,
  type EventRejection,
  type PayableEntry,
  type Sink,
  type Unsent,
} from '@token-meter/core/sink'
import { toCloudEvents, type CloudEvent } from './cloud-events.ts'
import { ingest } from './ingest.ts'
import { ingestClient } from './ingest-client.ts'
import { openMeterSinkSettings, type OpenMeterSinkOptions } from './options.ts'

/** OpenMeter names no limit; a hundred stay far below the 1 MB that proxies take. */
const eventsPerRequest = 100

/**
 * A sink that meters customers in OpenMeter: self-hosted, OpenMeter Cloud or Kong Konnect. Every
 * event has the same id, source and time on every attempt, in every process, so that OpenMeter
 * counts it once.
 * @throws ConfigError when an option is wrong, or nothing says where OpenMeter is; while `next build`
 * looks at an application, a missing url is none of that.
 */
export function openMeterSink(options: OpenMeterSinkOptions): Sink {
  const settings = openMeterSinkSettings(options)
  const { name, livemode, timeoutMs, duplicateWindowMs } = settings
  if (options.client === undefined && isMissingInBuild(options.url)) return keylessSink(name)
  const client = ingestClient(options)

  // One request at a time: a batch is a few of them, delivery sends several batches at a time, and
  // after a failure nothing more has to be tried.
  const sender = createChunkedSender<CloudEvent>({
    name: 'OpenMeter',
    eventsPerRequest,
    outsideWindow: ({ uncertainSince }, nowMs) =>
      outsideDuplicateWindow(uncertainSince, duplicateWindowMs, nowMs),
    post: (queued, { check, signal }) => {
      check()
      const events = queued.map(({ event }) => event)
      return ingest(client, events, timeoutMs, signal)
    },
  })

  function eventsOf(entry: PayableEntry): Unsent<CloudEvent> {
    try {
      return { events: toCloudEvents(entry.record, settings, entry.refusedEventIds) }
    } catch (error) {
      return noEvent(entry, error)
    }
  }

  return eventSink(
    { name, livemode, maxBatch: 100, maxConcurrentBatches: 4 },
    {
      eventsOf,
      idOf: ({ id }) => id,
      sender,
      readable: (reason) => withoutKeys(reason, options.apiKey),
    },
  )
}

/** For the time that a request is on its way, and for clocks that differ: a part of the window. */
const marginShare = 1 / 24

/**
 * The outcome of an event that may have arrived so long ago that OpenMeter would count it again;
 * `undefined` while it can be sent.
 * @param uncertainSince when it may first have arrived, in ms since the epoch.
 */
function outsideDuplicateWindow(
  uncertainSince: number | undefined,
  windowMs: number,
  nowMs: number,
): EventRejection | undefined {
  if (uncertainSince === undefined) return undefined
  if (nowMs - uncertainSince < windowMs * (1 - marginShare)) return undefined
  const since = new Date(uncertainSince).toISOString()
  const limit =
    windowMs === 0
      ? 'This OpenMeter is said to ignore no duplicates (duplicateWindowMs: 0)'
      : `OpenMeter ignores duplicates only for ${Math.round(windowMs / 36_000) / 100} hours (duplicateWindowMs)`
  const reason = `uncertain: whether OpenMeter has it is unknown since ${since}: an attempt got no clear answer, or the outbox is a copy. ${limit}, so to send it again could bill it twice. Look its events up (GET /api/v1/events?id=...): outbox.requeue what OpenMeter does not have, outbox.discard what it has.`
  return { status: 'rejected', reason, ...uncertainRefusal(uncertainSince) }
}

/** Also keys that are not this sink's, which a proxy may show. */
function withoutKeys(text: string, apiKey: string | undefined): string {
  return withoutKey(text, apiKey)
    .replace(/\bBearer\s+[!-~]+/gi, 'Bearer [key]')
    .replace(/\b(?:om|spat|kpat)_\w+/g, '[key]')
}
