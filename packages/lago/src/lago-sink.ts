/**
 * UsageRecord[] -> Lago, as events.
 *
 * record -> events (to-lago-events) -> those whose names Lago has (checked-names) -> 100 a request
 * (send-events) -> an outcome for each event -> the record's result (record-result).
 */
import type { BatchEntry, Sink, SinkResult, UsageRecord } from '@token-meter/core/adapter'
import { createCheckedNames } from './checked-names.ts'
import type { EventOutcome } from './event-outcome.ts'
import { lagoClient } from './lago-client.ts'
import type { LagoSinkOptions } from './lago-sink-options.ts'
import { lagoSinkSettings } from './lago-sink-settings.ts'
import { postEvents } from './post-events.ts'
import { recordResult } from './record-result.ts'
import { redact } from './redact.ts'
import { sendEvents } from './send-events.ts'
import { toLagoEvents, UnsendableError, type LagoEvent } from './to-lago-events.ts'

/** How long what an application's own function does not know yet waits. */
const notKnownYetMs = 60_000

/**
 * A sink that bills the subscriptions of a Lago organization: one event per record, or one per
 * record and token type, each with its own id as `transaction_id` and the record's time as
 * `timestamp`, so that it is billed once however often it is sent.
 * @throws ConfigError when an option is wrong, or there is no key.
 */
export function lagoSink(options: LagoSinkOptions = {}): Sink {
  const settings = lagoSinkSettings(options)
  const { client, apiKey } = lagoClient(options)
  const names = createCheckedNames(client, settings)
  const { timeoutMs, subscription } = settings

  /** The events of a record that Lago does not have, or why none is sent now. */
  function eventsOf({ record, deliveredEventIds, refusedEventIds }: BatchEntry): Unsent {
    if (record.customer === null) {
      return rejected('nobody is named to bill it to: attribute it')
    }
    try {
      const payer = payerOf(record, record.customer)
      const events = toLagoEvents(record, payer, settings, refusedEventIds)
      return { events: events.filter((event) => !deliveredEventIds.includes(event.transaction_id)) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (error instanceof UnsendableError) return rejected(message)
      const reason = redact(`no event can be made of it yet: ${message}`, apiKey)
      const later = { afterMs: notKnownYetMs, recordOnly: true as const }
      return { result: { status: 'retry', reason, ...later, deliveredEventIds } }
    }
  }

  function payerOf(record: UsageRecord, customer: string): string {
    const payer: unknown = subscription === undefined ? customer : subscription(record)
    if (typeof payer === 'string' && payer !== '') return payer
    throw new Error(`subscription answers no id for the customer ${customer}`)
  }

  function withoutKey(outcome: EventOutcome): EventOutcome {
    if (outcome.status === 'accepted') return outcome
    return { ...outcome, reason: redact(outcome.reason, apiKey) }
  }

  return {
    name: settings.name,
    maxBatch: 100,
    maxConcurrentBatches: 4,
    async send({ entries }, signal) {
      const unsent = entries.map(eventsOf)
      const all = unsent.flatMap((record, index) => {
        const { attempts = 0 } = entries[index] ?? {}
        return 'events' in record ? record.events.map((event) => ({ event, attempts })) : []
      })
      const problems = await names.problemsOf(
        all.map(({ event }) => event),
        signal,
      )
      const sendable = all.filter(({ event }) => !problems.has(event.transaction_id))
      const outcomes = await sendEvents(sendable, (events) =>
        postEvents(client, events, signal, timeoutMs),
      )
      return unsent.map((record, index): SinkResult => {
        if ('result' in record) return record.result
        const sent = record.events.map(({ transaction_id: id }) => ({
          id,
          outcome: withoutKey(problems.get(id) ?? outcomes.get(id) ?? notSent),
        }))
        return recordResult(entries[index]?.deliveredEventIds ?? [], sent)
      })
    },
  }
}

type Unsent = { readonly events: readonly LagoEvent[] } | { readonly result: SinkResult }

const notSent: EventOutcome = { status: 'retry', reason: 'it was not sent' }

function rejected(reason: string): Unsent {
  return { result: { status: 'rejected', reason } }
}
