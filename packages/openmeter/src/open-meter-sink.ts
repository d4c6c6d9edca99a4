/**
 * UsageRecord[] -> OpenMeter, as CloudEvents.
 *
 * record -> events (to-cloud-events) -> requests of up to 100 (send-events) -> what an answer means
 * (classify-answer) -> the record's result (core's `recordResult`).
 */
import {
  isMissingInBuild,
  keylessSink,
  ConfigError,
  messageOf,
  recordResult,
  rejected,
  sendEntries,
  uncertainRefusal,
  uncertainSinceOf,
  withReason,
  type PayableEntry,
  type SentEvent,
  type Sink,
  type Unsent,
} from '@token-meter/core/sink'
import { checkOption, isVisible } from './check-option.ts'
import type { IngestClient } from './ingest-client.ts'
import { ingestEndpoint } from './ingest-endpoint.ts'
import type { OpenMeterSinkOptions } from './open-meter-sink-options.ts'
import { openMeterSinkSettings } from './open-meter-sink-settings.ts'
import { createOwnClient } from './own-client.ts'
import { readable } from './readable.ts'
import { sendEvents, type QueuedEvent } from './send-events.ts'
import { toCloudEvents } from './to-cloud-events.ts'

/**
 * A sink that meters customers in OpenMeter: self-hosted, OpenMeter Cloud or Kong Konnect. Every
 * event has the same id, source and time on every attempt, in every process, so that OpenMeter
 * counts it once.
 * @throws ConfigError when an option is wrong, or nothing says where OpenMeter is; while `next build`
 * looks at an application, a missing url is none of that.
 */
export function openMeterSink(options: OpenMeterSinkOptions): Sink {
  const settings = openMeterSinkSettings(options)
  if (options.client === undefined && isMissingInBuild(options.url)) {
    return keylessSink(settings.name)
  }
  const client = ingestClient(options)

  /** The events of a record that OpenMeter does not have, or why none is sent. */
  function eventsOf(entry: PayableEntry): Unsent<QueuedEvent> {
    const { record, uncertainSince, ...known } = entry
    try {
      const events = toCloudEvents(record, settings, known.refusedEventIds)
      const missing = events.filter(({ id }) => !known.deliveredEventIds.includes(id))
      return {
        queued: missing.map((event) => ({
          event,
          uncertainSince: uncertainSinceOf(entry, event.id),
        })),
      }
    } catch (error) {
      const why =
        uncertainSince === undefined ? { code: 'no_event' } : uncertainRefusal(uncertainSince)
      return rejected(`no event could be made of it: ${messageOf(error)}`, why)
    }
  }

  const withoutKeys = (sent: SentEvent): SentEvent =>
    withReason(sent, (reason) => readable(reason, options.apiKey))

  return {
    name: settings.name,
    livemode: settings.livemode,
    maxBatch: 100,
    maxConcurrentBatches: 4,
    reportsProgress: true,
    send: (batch, signal, progress) =>
      sendEntries(
        batch,
        {
          eventsOf,
          send: (queued, begin) => sendEvents(client, queued, settings, signal, begin),
          idOf: ({ event }) => event.id,
          outcomeOf: ({ outcome }: SentEvent) => outcome,
          resultOf: (sent, entry) => recordResult(entry.deliveredEventIds, sent.map(withoutKeys)),
        },
        progress,
      ),
  }
}

function ingestClient({ client, url, apiKey }: OpenMeterSinkOptions): IngestClient {
  if (client !== undefined) {
    if (url !== undefined || apiKey !== undefined) {
      throw new ConfigError('openMeterSink: give either client, or url and apiKey')
    }
    if (typeof (client as Partial<IngestClient> | null)?.events?.ingest === 'function')
      return client
    throw new ConfigError(
      'openMeterSink: client must be a client of @openmeter/sdk: new OpenMeter({ baseUrl })',
    )
  }
  if (url === undefined && apiKey === undefined) {
    throw new ConfigError(
      'openMeterSink: set url (OPENMETER_URL) to your OpenMeter, such as http://localhost:8888, or apiKey (OPENMETER_API_KEY) for https://openmeter.cloud',
    )
  }
  const key = 'a key without white space, or left out'
  checkOption('apiKey', apiKey ?? 'none', key, isVisible)
  const { href, needsKey } = ingestEndpoint(url ?? 'https://openmeter.cloud')
  if (needsKey && apiKey === undefined) {
    throw new ConfigError(
      'openMeterSink: this url needs a key: set apiKey (OPENMETER_API_KEY) to one that may ingest events',
    )
  }
  return createOwnClient(href, apiKey)
}
