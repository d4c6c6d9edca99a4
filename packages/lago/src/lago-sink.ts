/**
 * UsageRecord[] -> Lago, as events.
 *
 * record -> events (to-lago-events) -> those whose names Lago has (checked-names) -> 100 a request
 * (send-events) -> an outcome for each event -> the record's result (core's `recordResult`).
 */
import {
  isMissingInBuild,
  keylessSink,
  messageOf,
  recordResult,
  rejected,
  sendEntries,
  withoutKey,
  withReason,
  type BeginRequest,
  type EventOutcome,
  type EventRequest,
  type PayableEntry,
  type SentEvent,
  type Sink,
  type Unsent,
  type UsageRecord,
} from '@token-meter/core/sink'
import { createCheckedNames } from './checked-names.ts'
import { lagoClient } from './lago-client.ts'
import type { LagoSinkOptions } from './lago-sink-options.ts'
import { lagoSinkSettings } from './lago-sink-settings.ts'
import { postEvents } from './post-events.ts'
import type { RequestOutcome } from './request-outcome.ts'
import { sendEvents, type QueuedEvent } from './send-events.ts'
import { toLagoEvents, UnsendableError } from './to-lago-events.ts'

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
  if (options.client === undefined && isMissingInBuild(options.apiKey)) {
    return keylessSink(settings.name)
  }
  const { client, apiKey } = lagoClient(options)
  const names = createCheckedNames(client, settings)
  const { timeoutMs, subscription } = settings

  /** The events of a record that Lago does not have, or why none is sent now. */
  function eventsOf({ record, attempts, ...known }: PayableEntry): Unsent<QueuedEvent> {
    const { deliveredEventIds, refusedEventIds } = known
    try {
      const payer = payerOf(record, record.customer)
      const events = toLagoEvents(record, payer, settings, refusedEventIds)
      const missing = events.filter((event) => !deliveredEventIds.includes(event.transaction_id))
      return { queued: missing.map((event) => ({ event, attempts })) }
    } catch (error) {
      const message = messageOf(error)
      if (error instanceof UnsendableError) return rejected(message, { code: 'no_event' })
      const reason = withoutKey(`no event can be made of it yet: ${message}`, apiKey)
      const later = { afterMs: notKnownYetMs, recordOnly: true as const }
      return { result: { status: 'retry', reason, ...later, deliveredEventIds } }
    }
  }

  function payerOf(record: UsageRecord, customer: string): string {
    const payer: unknown = subscription === undefined ? customer : subscription(record)
    if (typeof payer === 'string' && payer !== '') return payer
    throw new Error(`subscription answers no id for the customer ${customer}`)
  }

  async function send(
    queued: readonly QueuedEvent[],
    signal: AbortSignal,
    begin: BeginRequest<QueuedEvent, SentEvent>,
  ): Promise<readonly SentEvent[]> {
    const events = queued.map(({ event }) => event)
    const problems = await names.problemsOf(events, signal)
    const sendable = queued.filter(({ event }) => !problems.has(event.transaction_id))
    const outcomes = await sendEvents(sendable, (together) => post(together, signal, begin))
    return events.map(({ transaction_id: id }) => ({
      id,
      outcome: problems.get(id) ?? outcomes.get(id) ?? notSent,
    }))
  }

  async function post(
    queued: readonly QueuedEvent[],
    signal: AbortSignal,
    begin: BeginRequest<QueuedEvent, SentEvent>,
  ): Promise<RequestOutcome> {
    const events = queued.map(({ event }) => event)
    let request: EventRequest<SentEvent>
    try {
      request = await begin(queued)
      request.check()
    } catch (error) {
      const reason = `stopped before it was sent: ${messageOf(error)}`
      return { is: 'failed', retry: { status: 'retry', reason } }
    }
    const outcome = await postEvents(client, events, signal, timeoutMs)
    const isOver =
      outcome.is === 'refused' ||
      (outcome.is === 'judged' && !outcome.othersMayBeStored) ||
      (outcome.is === 'failed' && outcome.retry.uncertain !== true) ||
      (outcome.is === 'answered' && events.every((event) => outcome.ids.has(event.transaction_id)))
    request.answered(
      events.map(({ transaction_id: id }, place) => {
        const known = knownOutcome(outcome, id, place)
        return known && { id, outcome: known }
      }),
      isOver,
    )
    return outcome
  }

  const readable = (sent: SentEvent): SentEvent =>
    withReason(sent, (reason) => withoutKey(reason, apiKey))

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
          send: (queued, begin) => send(queued, signal, begin),
          idOf: ({ event }) => event.transaction_id,
          outcomeOf: ({ outcome }: SentEvent) => outcome,
          resultOf: (sent, entry) => recordResult(entry.deliveredEventIds, sent.map(readable)),
        },
        progress,
      ),
  }
}

/** What became of one event of a request, where its answer says so; the others are sent again. */
function knownOutcome(
  outcome: RequestOutcome,
  id: string,
  place: number,
): EventOutcome | undefined {
  if (outcome.is === 'answered') return outcome.ids.has(id) ? { status: 'accepted' } : undefined
  return outcome.is === 'judged' ? outcome.verdicts.get(place) : undefined
}

const notSent: EventOutcome = { status: 'retry', reason: 'it was not sent' }
