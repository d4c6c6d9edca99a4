import type { DatabaseSync } from 'node:sqlite'
import type { BatchEntry } from '../../sink/batch.ts'
import { type Uncertainty, uncertaintyFields } from '../uncertainty.ts'
import { fromBody } from '../record-body.ts'

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

interface EntryRow extends RecordRow {
  readonly attempts: number
  readonly firstAttemptAt: number
  readonly uncertainSince: number | null
  readonly uncertainEventIds: string | null
  readonly uncertainIn: string | null
  readonly deliveredEventIds: string
  readonly refusedEventIds: string | null
}

/** Reads what a batch gives to its sink. */
export function prepareBatchEntries(database: DatabaseSync) {
  const all = database.prepare(
    `SELECT body, customer, attempts, first_attempt_at AS firstAttemptAt,
       uncertain_since AS uncertainSince, uncertain_event_ids AS uncertainEventIds,
       uncertain_in AS uncertainIn, delivered_event_ids AS deliveredEventIds,
       ids AS refusedEventIds
     FROM items JOIN records ON records.seq = items.seq
       LEFT JOIN refused_events AS refused ON refused.sink = items.sink AND refused.seq = items.seq
     WHERE items.batch = ? ORDER BY items.seq`,
  )
  const fresh = database.prepare(
    `SELECT body, customer FROM records
     WHERE seq > ? AND customer IS NOT NULL ORDER BY seq LIMIT ?`,
  )
  return {
    of(batch: string): BatchEntry[] {
      return (all.all(batch) as unknown as EntryRow[]).map(toEntry)
    },
    /** Those of the first records after a sink's cursor: there is nothing about them yet. */
    after(cursor: number, count: number): BatchEntry[] {
      return (fresh.all(cursor, count) as unknown as RecordRow[]).map(toFreshEntry)
    },
  }
}

/** The row counts this claim already. */
function toEntry(row: EntryRow): BatchEntry {
  return {
    record: fromBody(row.body, row.customer),
    attempts: row.attempts - 1,
    firstAttemptAt: row.attempts > 1 ? row.firstAttemptAt : undefined,
    ...uncertaintyFields(uncertaintyOf(row)),
    deliveredEventIds: JSON.parse(row.deliveredEventIds) as string[],
    ...(row.refusedEventIds !== null && {
      refusedEventIds: JSON.parse(row.refusedEventIds) as string[],
    }),
  }
}

/** What is uncertain, as its columns say it. */
export function uncertaintyOf(row: {
  readonly uncertainSince: number | null
  readonly uncertainEventIds: string | null
  readonly uncertainIn: string | null
}): Uncertainty {
  const { uncertainSince, uncertainEventIds: eventIds, uncertainIn } = row
  return {
    uncertainSince: uncertainSince ?? undefined,
    uncertainEventIds: eventIds === null ? undefined : (JSON.parse(eventIds) as string[]),
    uncertainIn: uncertainIn ?? undefined,
  }
}

function toFreshEntry({ body, customer }: RecordRow): BatchEntry {
  return {
    record: fromBody(body, customer),
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
  }
}
