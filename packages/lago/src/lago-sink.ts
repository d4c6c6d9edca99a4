/**
 * UsageRecord[] -> Lago: record -> events (lago-events) -> those whose names Lago has (known-names) ->
 * requests of up to 100 (core's chunked sender) -> what an answer means (ingest) -> the record's result.
 */
import {
  createChunkedSender,
  eventSink,
  isMissingInBuild,
  keylessSink,
  messageOf,
  rejected,
  withoutKey,
  type EventSender,
  type PayableEntry,
  type SentEvent,
  type Sink,
  type Unsent,
} from '@token-meter/core/sink'
import { ingest } from './ingest.ts'
import { createCheckedNames } from './known-names.ts'
import { lagoClient } from './lago-client.ts'
import { toLagoEvents, UnsendableError, type LagoEvent } from './lago-events.ts'
import { lagoSinkSettings, type LagoSinkOptions } from './options.ts'

/** Lago takes no more in one request. */
const eventsPerRequest = 100

/** How long what an application's own function does not know yet waits. */
const notKnownYetMs = 60_000

/**
 * A sink that bills the subscriptions of a Lago organization: one event per record, or one per
 * record and token type, each with its own id as `transaction_id` and the record's time as
 * `timestamp`, so that it is billed once however often it is sent.
 * @throws ConfigError when an option is wrong, or there is no key; while `next build` looks at an
 * application, a missing key is none of that.
 */
export function lagoSink(options: LagoSinkOptions = {}): Sink {
  const settings = lagoSinkSettings(options)
  const { name, livemode, timeoutMs, subscription } = settings
  if (options.client === undefined && isMissingInBuild(options.apiKey)) return keylessSink(name)
  const { client, apiKey } = lagoClient(options)
  const names = createCheckedNames(client, settings)

  const requests = createChunkedSender<LagoEvent>({
    name: 'Lago',
    eventsPerRequest,
    post: (queued, { check, signal }) => {
      check()
      const events = queued.map(({ event }) => event)
      return ingest(client, events, timeoutMs, signal)
    },
  })

  const sender: EventSender<LagoEvent> = {
    async send(queued, signal, begin) {
      const events = queued.map(({ event }) => event)
      const problems = await names.problemsOf(events, signal)
      const sendable = queued.filter(({ id }) => !problems.has(id))
      const sent = (await requests.send(sendable, signal, begin)).values()
      return queued.map(({ id }) => {
        const problem = problems.get(id)
        return problem === undefined ? (sent.next().value as SentEvent) : { id, outcome: problem }
      })
    },
  }

  /** The events of a record, or why none is sent now. */
  function eventsOf({
    record,
    refusedEventIds,
    deliveredEventIds,
  }: PayableEntry): Unsent<LagoEvent> {
    try {
      const payer: unknown = subscription === undefined ? record.customer : subscription(record)
      if (typeof payer !== 'string' || payer === '') {
        throw new Error(`subscription answers no id for the customer ${record.customer}`)
      }
      return { events: toLagoEvents(record, payer, settings, refusedEventIds) }
    } catch (error) {
      const message = messageOf(error)
      if (error instanceof UnsendableError) return rejected(message, { code: 'no_event' })
      const reason = withoutKey(`no event can be made of it yet: ${message}`, apiKey)
      const later = { afterMs: notKnownYetMs, recordOnly: true as const }
      return { result: { status: 'retry', reason, ...later, deliveredEventIds } }
    }
  }

  return eventSink(
    { name, livemode, maxBatch: 100, maxConcurrentBatches: 4 },
    {
      eventsOf,
      idOf: (event) => event.transaction_id,
      sender,
      readable: (reason) => withoutKey(reason, apiKey),
    },
  )
}
