import type { Correction, RecordState } from './outbox.ts'

/** What is known of the single meter events of a record. */
export interface KnownEvents {
  readonly deliveredEventIds: readonly string[]
  readonly refusedEventIds: readonly string[]
}

/**
 * What is known after a correction to `dead` of a record that was `from`; `undefined` where the
 * report is one that was made before.
 */
export function correctedEvents(
  known: KnownEvents,
  from: RecordState,
  { deliveredEventIds: named, refusedEventIds: reported = [] }: Correction,
): KnownEvents | undefined {
  const before = new Set(known.refusedEventIds)
  if (reported.length > 0 && reported.every((id) => before.has(id))) return undefined
  const refused = new Set([...before, ...reported])
  const delivered =
    from === 'delivered'
      ? (named ?? [])
      : known.deliveredEventIds.filter((id) => named?.includes(id) ?? !refused.has(id))
  return { deliveredEventIds: [...new Set(delivered)], refusedEventIds: [...refused] }
}
