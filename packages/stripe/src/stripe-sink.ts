/**
 * UsageRecord[] -> Stripe Billing: record -> meter events (stripe-events) -> one a request
 * (single-sender) or 100 (stream-sender), both on core's chunked sender -> what an answer means
 * (classify-error) -> the record's result.
 */
import {
  checkKeys,
  ConfigError,
  createRateLimiter,
  eventSink,
  isMissingInBuild,
  keylessSink,
  messageOf,
  recordResult,
  rejected,
  uncertainRefusal,
  type EventSender,
  type PayableEntry,
  type RefusedEvent,
  type SentEvent,
  type Sink,
  type SinkResult,
  type Unsent,
} from '@token-meter/core/sink'
import type Stripe from 'stripe'
import { checkedApiKey, redact, warnOfSecretKey } from './api-key.ts'
import {
  sinkOptions,
  stripeSinkSettings,
  type StripeApi,
  type StripeSinkOptions,
  type StripeSinkSettings,
} from './options.ts'
import { createSingleSender } from './single-sender.ts'
import { createStreamSender } from './stream-sender.ts'
import { createStripeClient, sharedStripeClient, type SinkClient } from './stripe-client.ts'
import { toStripeEvents, UnsendableError, type StripeEvent } from './stripe-events.ts'
import { outsideTimestampWindow, unknownSince } from './time-windows.ts'

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
  const { name, livemode, maxBatch } = settings
  // What it bills by shows, for who gives the same customers credit at Stripe.
  const shown = { value: options.value ?? 'tokens' }
  if (options.stripe === undefined && isMissingInBuild(options.apiKey)) {
    return { ...keylessSink(name), ...shown }
  }
  const { sender, close } = eventSender(options, settings)
  const shape = { ...settings, modelSlug: options.modelSlug }

  /** The events of a record, or why none is sent now. */
  function eventsOf({
    record,
    uncertainSince,
    refusedEventIds,
  }: PayableEntry): Unsent<StripeEvent> {
    const result = outsideTimestampWindow(record.at, uncertainSince, Date.now())
    if (result !== undefined) return { result }
    try {
      return { events: toStripeEvents(record, shape, refusedEventIds) }
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

  const sink = eventSink(
    { name, livemode, maxBatch, maxConcurrentBatches: 4, close },
    {
      eventsOf,
      idOf: ({ identifier }) => identifier,
      sender,
      readable: (reason) => redact(reason, options.apiKey),
      resultOf: (sent, { deliveredEventIds }) => stripeRecordResult(deliveredEventIds, sent),
    },
  )
  return { ...sink, ...shown }
}

/** The result of a record, where what its events were refused for is said with their token types. */
export function stripeRecordResult(
  delivered: readonly string[],
  sent: readonly SentEvent[],
): SinkResult {
  return recordResult(delivered, sent, reasonsByType)
}

function reasonsByType(refused: readonly RefusedEvent[]): string {
  const byReason = Map.groupBy(refused, ({ reason }) => reason)
  const texts = [...byReason].map(([reason, events]) => {
    const types = events.map(({ id }) => id.slice(id.lastIndexOf(':') + 1))
    return `${types.join(', ')}: ${reason}`
  })
  return texts.join('; ')
}

function eventSender(
  options: StripeSinkOptions,
  settings: StripeSinkSettings,
): { readonly sender: EventSender<StripeEvent>; close(): void } {
  const { api, timeoutMs } = settings
  const client = stripeClient(options, api)
  const limiter = createRateLimiter(settings)
  const request = { timeoutMs, stripeAccount: options.stripeAccount }
  if (api !== 'stream') {
    const sender = createSingleSender(api, client, limiter, request)
    return { sender, close: () => client.close() }
  }
  const sender = createStreamSender(client, limiter, request)
  return {
    sender,
    close: () => {
      sender.close()
      client.close()
    },
  }
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
