import type { EventOutcome, EventRetry } from './event-outcome.ts'

/** So many failures in a row, with no answer between them, are an outage. */
const patience = 3

/**
 * Stops the rest of a send once it is clear that nothing will go through, so that an outage or a
 * wrong key costs a few requests and not a timeout for each event.
 */
export interface SendBrake {
  note(outcome: EventOutcome): void
  /** Why nothing more is to be sent, which what is not sent shares; `undefined` while there is hope. */
  readonly pulled: EventRetry | undefined
}

export function createSendBrake(): SendBrake {
  let failuresInARow = 0
  let pulled: EventRetry | undefined
  return {
    note: (outcome) => {
      const isFailure = outcome.status === 'retry' && outcome.reach === 'outage'
      failuresInARow = isFailure ? failuresInARow + 1 : 0
      if (outcome.status !== 'retry' || outcome.reach === 'event') return
      if (outcome.reach !== 'account' && failuresInARow < patience) return
      // The event that failed may have arrived; those that are not sent have not.
      const { uncertain: _, ...unsent } = outcome
      pulled ??= unsent
    },
    get pulled() {
      return pulled
    },
  }
}
