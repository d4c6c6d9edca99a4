import type { LedgerEntry } from '@token-meter/core/adapter'
import type { AfterTheFact } from '../after-the-fact.ts'
import { isCancelled } from '../cancelled.ts'
import { isUncertain } from '../uncertain.ts'

/** What the ledger knows about one meter event. */
export interface KnownEvent {
  readonly id: string
  readonly eventName: string
  /** `undefined` where it is not known. */
  readonly value: number | undefined
  readonly fate: 'delivered' | 'uncertain' | 'pending' | 'dead' | 'not billed'
}

/** Why sums of money cannot be compared. */
export const unknownAmount =
  'some of it was priced as it was sent, so the ledger does not have the amount: give pricedBy, the cost of the meter'

/** The events of a record, and what is known about each. */
export function knownEvents(after: AfterTheFact, entry: LedgerEntry): readonly KnownEvent[] {
  const { record, deliveredEventIds, refusedEventIds } = entry
  const otherwise = fateOfTheRest(entry)
  return after.eventsOf(record, refusedEventIds).map(({ identifier: id, event_name, value }) => ({
    id,
    eventName: event_name,
    value,
    fate: deliveredEventIds.includes(id) && !isCancelled(entry) ? 'delivered' : otherwise,
  }))
}

function fateOfTheRest(entry: LedgerEntry): KnownEvent['fate'] {
  if (entry.state === 'delivered' || entry.state === 'pending') return entry.state
  if (entry.state === 'dead') return isUncertain(entry) ? 'uncertain' : 'dead'
  return 'not billed'
}
