import type { BatchEntry } from '../sink/batch.ts'

/** What may have arrived of a record, beside what is known to have. */
export interface Uncertainty {
  /** When it may first have arrived, in ms since the epoch; absent while it certainly has not. */
  readonly uncertainSince?: number | undefined
  /** Which of its events may have; absent where any may. */
  readonly uncertainEventIds?: readonly string[] | undefined
  /** The sum as part of which it may have; absent where it was sent as itself. */
  readonly uncertainIn?: string | undefined
}

/**
 * What is uncertain once more may have arrived.
 * @param batchId the sums that it stands for in a copy are known from now on: there are none, or this.
 */
export function moreUncertain(known: Uncertainty, more: Uncertainty, batchId: string): Uncertainty {
  if (more.uncertainSince === undefined) return known
  const { uncertainSince = more.uncertainSince } = known
  const isFirst = known.uncertainSince === undefined
  const both = [known.uncertainEventIds, more.uncertainEventIds] as const
  const uncertainEventIds = isFirst
    ? both[1]
    : both[0] && both[1] && [...new Set([...both[0], ...both[1]])]
  return {
    uncertainSince,
    uncertainEventIds,
    uncertainIn:
      more.uncertainIn ?? (known.uncertainIn === batchId ? undefined : known.uncertainIn),
  }
}

/** The same as fields of an entry. */
export function uncertaintyFields(
  known: Uncertainty,
): Pick<BatchEntry, 'uncertainSince' | 'uncertainEventIds' | 'uncertainIn'> {
  const { uncertainSince, uncertainEventIds, uncertainIn } = known
  if (uncertainSince === undefined) return { uncertainSince }
  return {
    uncertainSince,
    ...(uncertainEventIds !== undefined && { uncertainEventIds }),
    ...(uncertainIn !== undefined && { uncertainIn }),
  }
}
