import type { LedgerEntry } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'
import { isCancelled } from '../cancelled.ts'
import { isUncertain } from '../uncertain.ts'

/** What the ledger knows about one meter event. */
export interface KnownEvent {
  readonly id: string
  readonly eventName: string
  readonly value: number
  readonly fate: 'delivered' | 'uncertain' | 'pending' | 'dead' | 'not billed'
}

/** The events of a record, and what is known about each. */
export function knownEvents(after: AfterTheFact, entry: LedgerEntry): readonly KnownEvent[] {
  const { record, deliveredEventIds, refusedEventIds } = entry
  const otherwise = fateOfTheRest(entry)
  return after.eventsOf(record, refusedEventIds).map(({ identifier: id, event_name, payload }) => ({
    id,
    eventName: event_name,
    value: Number(payload.value),
    fate: deliveredEventIds.includes(id) && !isCancelled(entry) ? 'delivered' : otherwise,
  }))
}

function fateOfTheRest(entry: LedgerEntry): KnownEvent['fate'] {
  if (entry.state === 'delivered' || entry.state === 'pending') return entry.state
  if (entry.state === 'dead') return isUncertain(entry) ? 'uncertain' : 'dead'
  return 'not billed'
}
