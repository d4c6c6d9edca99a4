/**
 * UsageRecord[] -> OpenMeter, as CloudEvents.
 *
 * record -> events (to-cloud-events) -> requests of up to 100 (send-events) -> what an answer means
 * (classify-answer) -> the record's result (record-result).
 */
import { ConfigError, type BatchEntry, type Sink, type SinkResult } from '@token-meter/core/adapter'
import { checkOption, isVisible } from './check-option.ts'
import type { SentEvent } from './event-outcome.ts'
import type { IngestClient } from './ingest-client.ts'
import { ingestEndpoint } from './ingest-endpoint.ts'
import type { OpenMeterSinkOptions } from './open-meter-sink-options.ts'
import { openMeterSinkSettings } from './open-meter-sink-settings.ts'
import { createOwnClient } from './own-client.ts'
import { recordResult } from './record-result.ts'
import { redact } from './redact.ts'
import { sendEvents, type QueuedEvent } from './send-events.ts'
import { toCloudEvents } from './to-cloud-events.ts'

/**
 * A sink that meters customers in OpenMeter: self-hosted, OpenMeter Cloud or Kong Konnect. Every
 * event has the same id, source and time on every attempt, in every process, so that OpenMeter
 * counts it once.
 * @throws ConfigError when an option is wrong, or nothing says where OpenMeter is.
 */
export function openMeterSink(options: OpenMeterSinkOptions): Sink {
  const settings = openMeterSinkSettings(options)
  const client = ingestClient(options)

  /** The events of a record that OpenMeter does not have, or why none is sent. */
  function eventsOf({ record, uncertainSince, ...known }: BatchEntry): Unsent {
    const { customer } = record
    if (customer === null) return rejected('nobody is named to bill it to: attribute it')
    try {
      const events = toCloudEvents({ ...record, customer }, settings, known.refusedEventIds)
      const missing = events.filter(({ id }) => !known.deliveredEventIds.includes(id))
      return { queued: missing.map((event) => ({ event, uncertainSince })) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return rejected(`no event could be made of it: ${message}`)
    }
  }

  function withoutKey(sent: SentEvent): SentEvent {
    const { id, outcome } = sent
    if (outcome.status === 'accepted') return sent
    return { id, outcome: { ...outcome, reason: redact(outcome.reason, options.apiKey) } }
  }

  return {
    name: settings.name,
    maxBatch: 100,
    maxConcurrentBatches: 4,
    send: async ({ entries }, signal) => {
      const unsent = entries.map(eventsOf)
      const queued = unsent.flatMap((record) => ('queued' in record ? record.queued : []))
      const sent = await sendEvents(client, queued, settings, signal)
      let next = 0
      return unsent.map((record, index): SinkResult => {
        if ('result' in record) return record.result
        const own = sent.slice(next, (next += record.queued.length))
        return recordResult(entries[index]?.deliveredEventIds ?? [], own.map(withoutKey))
      })
    },
  }
}

type Unsent = { readonly queued: readonly QueuedEvent[] } | { readonly result: SinkResult }

function rejected(reason: string): Unsent {
  return { result: { status: 'rejected', reason } }
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
