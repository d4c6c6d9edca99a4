/**
 * UsageRecord[] -> Stripe Billing, as v2 meter events, one request each.
 *
 * record -> events (to-stripe-events) -> its lane (lanes), a place and a moment (request-rate)
 * -> Stripe (post-event) -> outcome (classify-error) -> the record's result (record-result).
 */
import { ConfigError, type BatchEntry, type Sink, type SinkResult } from '@token-meter/core/adapter'
import { checkedApiKey, warnOfSecretKey } from './api-key.ts'
import { outsideDuplicateWindow } from './duplicate-window.ts'
import type { EventOutcome } from './event-outcome.ts'
import { createLanes } from './lanes.ts'
import { postEvent } from './post-event.ts'
import { recordResult } from './record-result.ts'
import { redact } from './redact.ts'
import { createRequestRate } from './request-rate.ts'
import { createSendBrake, type SendBrake } from './send-brake.ts'
import { createStripeClient, sharedStripeClient, type SinkClient } from './stripe-client.ts'
import type { StripeSinkOptions } from './stripe-sink-options.ts'
import { stripeSinkSettings } from './stripe-sink-settings.ts'
import { toStripeEvents, type StripeEvent } from './to-stripe-events.ts'

/**
 * A sink that bills the customers of a Stripe account: one v2 meter event per record and token
 * type, each with its own id as identifier and idempotency key, so that it is billed once however
 * often it is sent within Stripe's 24 hours. What may have arrived and cannot be sent again within
 * them is rejected, with what to do about it.
 * @throws ConfigError when an option is wrong, or there is no key.
 */
export function stripeSink(options: StripeSinkOptions): Sink {
  const settings = stripeSinkSettings(options)
  const { stripe, during, wasRepeated } = stripeClient(options)
  const lanes = createLanes(settings.maxConcurrentRequests)
  const nextMoment = createRequestRate(settings.requestsPerSecond)
  const request = { timeoutMs: settings.timeoutMs, stripeAccount: options.stripeAccount }
  const shape = { ...settings, modelSlug: options.modelSlug }

  async function sendRecord(
    { record, deliveredEventIds, uncertainSince }: BatchEntry,
    brake: SendBrake,
    signal: AbortSignal,
  ): Promise<SinkResult> {
    if (record.customer === null) {
      return { status: 'rejected', reason: 'nobody is named to bill it to: attribute it' }
    }
    let events: readonly StripeEvent[]
    try {
      events = toStripeEvents(record, shape)
    } catch (error) {
      return { status: 'rejected', reason: `no event could be made of it: ${messageOf(error)}` }
    }
    const missing = events.filter(({ identifier }) => !deliveredEventIds.includes(identifier))
    const sent = missing.map(async (event) => ({
      id: event.identifier,
      outcome: withoutKey(await sendEvent(event, uncertainSince, brake, signal)),
    }))
    return recordResult(deliveredEventIds, await Promise.all(sent))
  }

  async function sendEvent(
    event: StripeEvent,
    uncertainSince: number | undefined,
    brake: SendBrake,
    signal: AbortSignal,
  ): Promise<EventOutcome> {
    const lane = JSON.stringify([event.payload.stripe_customer_id, event.event_name])
    let isSent = false
    try {
      return await lanes.run(lane, signal, async () => {
        if (brake.pulled === undefined) await nextMoment(signal)
        if (brake.pulled !== undefined) return brake.pulled
        // The last moment: to wait for its turn may have taken long, and so may a sleeping machine.
        const tooLate = outsideDuplicateWindow(uncertainSince, Date.now())
        if (tooLate !== undefined) return tooLate
        signal.throwIfAborted()
        isSent = true
        const outcome = await during(event.identifier, signal, async () => {
          const last = await postEvent(stripe, event, request)
          const mayHaveArrived = last.status === 'retry' && wasRepeated(event.identifier)
          return mayHaveArrived ? { ...last, uncertain: true as const } : last
        })
        brake.note(outcome)
        return outcome
      })
    } catch (error) {
      const reason = `stopped before Stripe answered: ${messageOf(error)}`
      return { status: 'retry', reach: 'event', reason, ...(isSent ? { uncertain: true } : {}) }
    }
  }

  function withoutKey(outcome: EventOutcome): EventOutcome {
    if (outcome.status === 'accepted') return outcome
    return { ...outcome, reason: redact(outcome.reason, options.apiKey) }
  }

  return {
    name: settings.name,
    maxBatch: 100,
    maxConcurrentBatches: 4,
    send: (batch, signal) => {
      const brake = createSendBrake()
      return Promise.all(batch.entries.map((entry) => sendRecord(entry, brake, signal)))
    },
  }
}

function stripeClient(options: StripeSinkOptions): SinkClient {
  const { apiKey, stripe, baseUrl, onWarning = console.warn } = options
  if (stripe === undefined) {
    const key = checkedApiKey(apiKey)
    warnOfSecretKey(key, onWarning)
    return createStripeClient(key, baseUrl)
  }
  if (apiKey !== undefined || baseUrl !== undefined) {
    throw new ConfigError('stripeSink: give either stripe, or apiKey and baseUrl')
  }
  if (
    typeof stripe.v2?.billing?.meterEvents?.create !== 'function' ||
    typeof stripe.on !== 'function'
  ) {
    throw new ConfigError(
      'stripeSink: stripe must be a client of the stripe package, version 19 or later: new Stripe(key)',
    )
  }
  return sharedStripeClient(stripe)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
