import { createRate } from '@token-meter/core/sink'
import type { EventOutcome } from './event-outcome.ts'
import { createSemaphore, type Semaphore } from './semaphore.ts'
import type { StripeSinkSettings } from './stripe-sink-settings.ts'
import { createThrottle } from './throttle.ts'

/** How fast a sink may go: within its own limits, and slower while Stripe says that is too fast. */
export interface Pace {
  /** One for each request in flight. */
  readonly places: Semaphore
  /** Resolves when the next request, with so many events, may go. */
  moment(signal: AbortSignal, events: number): Promise<void>
  /** What an outcome says about the pace. */
  note(outcome: EventOutcome): void
}

/** @param now a clock in ms that never goes back. */
export function createPace(
  settings: StripeSinkSettings,
  now: () => number = () => performance.now(),
): Pace {
  const { requestsPerSecond, eventsPerSecond, maxConcurrentRequests } = settings
  const speed = createThrottle(now)
  const width = createThrottle(now)
  const nextRequest = createRate({ perSecond: requestsPerSecond, share: speed.share, now })
  const nextEvents = createRate({ perSecond: eventsPerSecond, share: speed.share, now })
  return {
    places: createSemaphore(maxConcurrentRequests, width.share),
    moment: async (signal, events) => {
      await nextRequest(signal)
      await nextEvents(signal, events)
    },
    note: (outcome) => {
      if (outcome.status !== 'retry') return
      if (outcome.limit === 'rate') speed.tighten()
      if (outcome.limit === 'concurrency') width.tighten()
    },
  }
}
