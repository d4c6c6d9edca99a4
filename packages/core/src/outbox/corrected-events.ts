import type { Correction, RecordState } from './outbox.ts'

/** What is known of the single meter events of a record. */
export interface KnownEvents {
  readonly deliveredEventIds: readonly string[]
  readonly refusedEventIds: readonly string[]
}

/**
 * What is known after a correction of a record that was `from`: the same object where it says nothing
 * of single events, `undefined` where the report is one that was made before.
 */
export function correctedEvents(
  known: KnownEvents,
  from: RecordState,
  { state, deliveredEventIds: named, refusedEventIds: reported = [] }: Correction,
): KnownEvents | undefined {
  if (state !== 'dead' || (named === undefined && reported.length === 0)) return known
  const before = new Set(known.refusedEventIds)
  if (reported.length > 0 && reported.every((id) => before.has(id))) return undefined
  const refused = new Set([...before, ...reported])
  const delivered =
    from === 'delivered'
      ? (named ?? [])
      : known.deliveredEventIds.filter((id) => named?.includes(id) ?? !refused.has(id))
  return { deliveredEventIds: [...new Set(delivered)], refusedEventIds: [...refused] }
}
