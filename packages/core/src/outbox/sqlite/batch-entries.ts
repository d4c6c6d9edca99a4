import type { DatabaseSync } from 'node:sqlite'
import type { BatchEntry } from '../../sink/batch.ts'
import { fromBody } from '../record-body.ts'
import { type Uncertainty, uncertaintyFields } from '../rules.ts'

interface RecordRow {
  readonly body: string
  readonly customer: string | null
}

export interface UncertainRow {
  readonly uncertainSince: number | null
  readonly uncertainEventIds: string | null
  readonly uncertainIn: string | null
}

interface EntryRow extends RecordRow, UncertainRow {
  readonly attempts: number
  readonly firstAttemptAt: number
  readonly deliveredEventIds: string
  readonly refusedEventIds: string | null
}

/** What is uncertain of an item, as columns of a statement. */
export const uncertainColumns: string = `uncertain_since AS uncertainSince,
  uncertain_event_ids AS uncertainEventIds, uncertain_in AS uncertainIn`

export interface BatchEntries {
  of(batch: string): BatchEntry[]
  /** Those of the first records after a sink's cursor: there is nothing about them yet. */
  after(cursor: number, count: number): BatchEntry[]
}

/** Reads what a batch gives to its sink. */
export function prepareBatchEntries(database: DatabaseSync): BatchEntries {
  const all = database.prepare(
    `SELECT body, customer, attempts, first_attempt_at AS firstAttemptAt, ${uncertainColumns},
       delivered_event_ids AS deliveredEventIds, ids AS refusedEventIds
     FROM items JOIN records ON records.seq = items.seq
       LEFT JOIN refused_events AS refused ON refused.sink = items.sink AND refused.seq = items.seq
     WHERE items.batch = ? ORDER BY items.seq`,
  )
  const fresh = database.prepare(
    `SELECT body, customer FROM records
     WHERE seq > ? AND customer IS NOT NULL ORDER BY seq LIMIT ?`,
  )
  return {
    of: (batch) => (all.all(batch) as unknown as EntryRow[]).map(toEntry),
    after: (cursor, count) =>
      (fresh.all(cursor, count) as unknown as RecordRow[]).map(toFreshEntry),
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

function toFreshEntry({ body, customer }: RecordRow): BatchEntry {
  return {
    record: fromBody(body, customer),
    attempts: 0,
    firstAttemptAt: undefined,
    uncertainSince: undefined,
    deliveredEventIds: [],
  }
}

export function uncertaintyOf(row: UncertainRow): Uncertainty {
  const { uncertainSince, uncertainEventIds: eventIds, uncertainIn } = row
  return {
    uncertainSince: uncertainSince ?? undefined,
    uncertainEventIds: eventIds === null ? undefined : (JSON.parse(eventIds) as string[]),
    uncertainIn: uncertainIn ?? undefined,
  }
}

/** The values of the three columns, in their order. */
export function uncertaintyValues(
  uncertain: Uncertainty,
): readonly [number | null, string | null, string | null] {
  const { uncertainSince = null, uncertainEventIds: eventIds, uncertainIn = null } = uncertain
  return [uncertainSince, eventIds === undefined ? null : JSON.stringify(eventIds), uncertainIn]
}
