import { messageOf, type BeginRequest } from '@token-meter/core/sink'
import type { EventOutcome, SentEvent } from './event-outcome.ts'
import type { StripeEvent } from './to-stripe-events.ts'

/** One event, and since when it may have arrived. */
export interface QueuedEvent {
  readonly event: StripeEvent
  /** In ms since the epoch; absent while it certainly has not. */
  readonly uncertainSince: number | undefined
}

/** A way to bring events to Stripe. */
export interface EventSender {
  /** Sends events and says what became of each, in order. Never throws. */
  send(
    events: readonly QueuedEvent[],
    signal: AbortSignal,
    begin: BeginRequest<QueuedEvent, SentEvent>,
  ): Promise<readonly SentEvent[]>
  /** Ends what no `send` waits for. */
  close(): void
}

/** The outcome of an event whose sending ended by an abort, or by a fault of ours. */
export function stopped(error: unknown, wasSent: boolean): EventOutcome {
  const reason = `stopped before Stripe answered: ${messageOf(error)}`
  return { status: 'retry', reach: 'event', reason, ...(wasSent ? { uncertain: true } : {}) }
}
