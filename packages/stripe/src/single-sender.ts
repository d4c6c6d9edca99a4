import type { BeginRequest } from '@token-meter/core/sink'
import { outsideDuplicateWindow } from './duplicate-window.ts'
import type { EventOutcome, SentEvent } from './event-outcome.ts'
import { stopped, type EventSender, type QueuedEvent } from './event-sender.ts'
import { createLanes } from './lanes.ts'
import type { Pace } from './pace.ts'
import { postEvent } from './post-event.ts'
import { freshKey, requestKey } from './request-key.ts'
import type { RequestSettings } from './request-settings.ts'
import { createSendBrake, type SendBrake } from './send-brake.ts'
import type { SinkClient } from './stripe-client.ts'
import type { StripeEvent } from './to-stripe-events.ts'

/**
 * Sends one event a request, to v1 or v2: its lane (lanes), a place and a moment (pace), Stripe
 * (post-event), its outcome (classify-error).
 */
export function createSingleSender(
  api: 'v1' | 'v2',
  { stripe, during, wasRepeated, close }: SinkClient,
  pace: Pace,
  request: RequestSettings,
): EventSender {
  const lanes = createLanes(pace.places)

  async function sendEvent(
    queued: QueuedEvent,
    brake: SendBrake,
    signal: AbortSignal,
    begin: BeginRequest<QueuedEvent, SentEvent>,
  ): Promise<EventOutcome> {
    const { event, uncertainSince } = queued
    const lane = JSON.stringify([event.payload['stripe_customer_id'], event.event_name])
    let isSent = false
    try {
      return await lanes.run(lane, signal, async () => {
        if (brake.pulled === undefined) await pace.moment(signal, 1)
        if (brake.pulled !== undefined) return brake.pulled
        const request = await begin([queued])
        // The last moment: to wait for its turn may have taken long, and so may a sleeping machine.
        const held = brake.pulled ?? outsideDuplicateWindow(uncertainSince, Date.now())
        if (held !== undefined) {
          request.answered([], true)
          return held
        }
        signal.throwIfAborted()
        const outcome = await post(event, signal, () => {
          request.check()
          isSent = true
        })
        request.answered([{ id: event.identifier, outcome }])
        pace.note(outcome)
        brake.note(outcome)
        return outcome
      })
    } catch (error) {
      return stopped(error, isSent)
    }
  }

  async function post(
    event: StripeEvent,
    signal: AbortSignal,
    check: () => void,
  ): Promise<EventOutcome> {
    const key = await requestKey([event])
    check()
    const first = await postWithKey(key, event, signal)
    // v1 keeps a failure or a refusal under its key for a day, so only another key can tell if its
    // cause is over; the identifier still tells a duplicate.
    if (first.status === 'accepted' || first.isReplay !== true) return first
    check()
    const again = await postWithKey(freshKey(key, Date.now()), event, signal)
    const mayHaveArrived = first.status === 'retry' && again.status === 'retry'
    return mayHaveArrived ? { ...again, uncertain: true } : again
  }

  function postWithKey(
    key: string,
    event: StripeEvent,
    signal: AbortSignal,
  ): Promise<EventOutcome> {
    return during(key, signal, async () => {
      const last = await postEvent(api, stripe, event, { ...request, key })
      const mayHaveArrived = last.status === 'retry' && wasRepeated(key)
      return mayHaveArrived ? { ...last, uncertain: true as const } : last
    })
  }

  return {
    send: (events, signal, begin) => {
      const brake = createSendBrake()
      const sent = events.map(async (queued) => ({
        id: queued.event.identifier,
        outcome: await sendEvent(queued, brake, signal, begin),
      }))
      return Promise.all(sent)
    },
    close,
  }
}
