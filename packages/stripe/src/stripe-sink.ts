/**
 * UsageRecord[] -> Stripe Billing, as meter events.
 *
 * record -> events (to-stripe-events) -> one a request (single-sender) or 100 (stream/stream-sender)
 * -> an outcome for each event -> the record's result (record-result).
 */
import {
  checkKeys,
  ConfigError,
  isMissingInBuild,
  keylessSink,
  messageOf,
  rejected,
  sendEntries,
  uncertainRefusal,
  uncertainSinceOf,
  type PayableEntry,
  type Sink,
  type Unsent,
} from '@token-meter/core/sink'
import type Stripe from 'stripe'
import { checkedApiKey, warnOfSecretKey } from './api-key.ts'
import { unknownSince } from './duplicate-window.ts'
import type { SentEvent } from './event-outcome.ts'
import type { EventSender, QueuedEvent } from './event-sender.ts'
import { createPace } from './pace.ts'
import { stripeRecordResult } from './record-result.ts'
import { redact } from './redact.ts'
import { createSingleSender } from './single-sender.ts'
import { createStreamSender } from './stream/stream-sender.ts'
import { createStripeClient, sharedStripeClient, type SinkClient } from './stripe-client.ts'
import type { StripeApi, StripeSinkOptions } from './stripe-sink-options.ts'
import { sinkOptions, stripeSinkSettings, type StripeSinkSettings } from './stripe-sink-settings.ts'
import { outsideTimestampWindow } from './timestamp-window.ts'
import { toStripeEvents } from './to-stripe-events.ts'
import { UnsendableError } from './unsendable-error.ts'

/**
 * A sink that bills the customers of a Stripe account: one meter event per record and token type,
 * or by cost one per record, each with its own id as identifier, so that it is billed once however
 * often it is sent within Stripe's 24 hours. What may have arrived and cannot be sent again within
 * them is rejected, with what to do about it.
 * @throws ConfigError when an option is wrong, or there is no key; while `next build` looks at an
 * application, a missing key is none of that.
 */
export function stripeSink(options: StripeSinkOptions): Sink {
  checkKeys<StripeSinkOptions>('stripeSink', options, sinkOptions)
  const settings = stripeSinkSettings(options)
  if (options.stripe === undefined && isMissingInBuild(options.apiKey)) {
    return keylessSink(settings.name)
  }
  const sender = eventSender(options, settings)
  const shape = { ...settings, modelSlug: options.modelSlug }

  /** The events of a record that Stripe does not have, or why none is sent now. */
  function eventsOf(entry: PayableEntry): Unsent<QueuedEvent> {
    const { record, uncertainSince, deliveredEventIds, refusedEventIds } = entry
    const result = outsideTimestampWindow(record.at, uncertainSince, Date.now())
    if (result !== undefined) return { result }
    try {
      const events = toStripeEvents(record, shape, refusedEventIds)
      const missing =
        deliveredEventIds.length === 0
          ? events
          : events.filter(({ identifier }) => !deliveredEventIds.includes(identifier))
      return {
        queued: missing.map((event) => ({
          event,
          uncertainSince: uncertainSinceOf(entry, event.identifier),
        })),
      }
    } catch (error) {
      const reason = `no event could be made of it: ${messageOf(error)}`
      if (uncertainSince === undefined) {
        return rejected(reason, {
          code: error instanceof UnsendableError ? error.code : 'no_event',
        })
      }
      return rejected(
        `${reason}. ${unknownSince(uncertainSince)}`,
        uncertainRefusal(uncertainSince),
      )
    }
  }

  function withoutKey(sent: SentEvent): SentEvent {
    const { id, outcome } = sent
    if (outcome.status === 'accepted') return sent
    return { id, outcome: { ...outcome, reason: redact(outcome.reason, options.apiKey) } }
  }

  return {
    name: settings.name,
    livemode: settings.livemode,
    maxBatch: settings.maxBatch,
    maxConcurrentBatches: 4,
    reportsProgress: true,
    send: (batch, signal, progress) =>
      sendEntries(
        batch,
        {
          eventsOf,
          send: (queued, begin) => sender.send(queued, signal, begin),
          idOf: ({ event }) => event.identifier,
          outcomeOf: ({ outcome }: SentEvent) => outcome,
          resultOf: (sent, entry) =>
            stripeRecordResult(entry.deliveredEventIds, sent.map(withoutKey)),
        },
        progress,
      ),
    close: () => sender.close(),
  }
}

function eventSender(options: StripeSinkOptions, settings: StripeSinkSettings): EventSender {
  const { api, timeoutMs } = settings
  const client = stripeClient(options, api)
  const pace = createPace(settings)
  const request = { timeoutMs, stripeAccount: options.stripeAccount }
  return api === 'stream'
    ? createStreamSender(client, pace, request)
    : createSingleSender(api, client, pace, request)
}

function stripeClient(options: StripeSinkOptions, api: StripeApi): SinkClient {
  const { apiKey, stripe, baseUrl, onWarning = console.warn } = options
  if (stripe === undefined) {
    const key = checkedApiKey(apiKey)
    warnOfSecretKey(key, onWarning)
    return createStripeClient(key, baseUrl)
  }
  if (apiKey !== undefined || baseUrl !== undefined) {
    throw new ConfigError('stripeSink: give either stripe, or apiKey and baseUrl')
  }
  const { v2, billing, on } = stripe as Partial<Stripe>
  const resource = {
    v1: billing?.meterEvents,
    v2: v2?.billing?.meterEvents,
    stream: v2?.billing?.meterEventStream,
  }
  if (typeof resource[api]?.create !== 'function' || typeof on !== 'function') {
    throw new ConfigError(
      'stripeSink: stripe must be a client of the stripe package, version 19.3.1 or later: new Stripe(key)',
    )
  }
  return sharedStripeClient(stripe)
}
