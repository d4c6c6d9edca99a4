import type { SentEvent } from './event-outcome.ts'

/** What became of an event, with the reason it was not taken as `readable` writes it. */
export function withReason(sent: SentEvent, readable: (reason: string) => string): SentEvent {
  const { id, outcome } = sent
  if (outcome.status === 'accepted') return sent
  return { id, outcome: { ...outcome, reason: readable(outcome.reason) } }
}
