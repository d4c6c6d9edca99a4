/**
 * The rules of `rules.ts` as SQL, for what a statement has to decide by itself. SQLite and Postgres
 * have the same tables and columns; what differs is handed in as text: a parameter, an empty list, the
 * name of a table.
 */
import { coveredCode, type Linger, type WaitingRecords } from './rules.ts'

/** The full name of a table. */
export type TableName = (table: string) => string

/** `batchReady`. */
export function batchReadySql(
  { anyRequeued, count, oldestAt }: Readonly<Record<keyof WaitingRecords, string>>,
  { limit, lingerMs, nowMs }: Readonly<Record<keyof Linger, string>>,
): string {
  return `(${lingerMs} = 0 OR ${anyRequeued} OR ${count} >= ${limit}
    OR abs(${nowMs} - ${oldestAt}) >= ${lingerMs})`
}

/** `isHeld`, of a record that nobody has released. */
export function isHeldSql(record: {
  readonly isTest: string
  readonly isFromBefore: string
  readonly isLive: string
}): string {
  const { isTest, isFromBefore, isLive } = record
  return `(${isFromBefore} OR (${isLive} AND ${isTest}))`
}

/** Whether an item is of what prepaid credit has paid for. */
export const isCoveredSql = `(items.state = 'discarded' AND items.code = '${coveredCode}')`

/** `stateOf`, of a record with its item where it has one. */
export function stateSql(isPassed: string): string {
  return `CASE
    WHEN customer IS NULL THEN 'unattributed'
    WHEN items.held = 1 THEN 'held'
    WHEN ${isCoveredSql} THEN 'covered'
    WHEN items.state IN ('dead', 'discarded') THEN items.state
    WHEN items.state IS NULL AND ${isPassed} THEN 'delivered'
    ELSE 'pending' END`
}

const neverTried = `attempts = 0, first_attempt_at = NULL, uncertain_since = NULL,
  uncertain_event_ids = NULL, uncertain_in = NULL, reason = NULL, code = NULL, since = NULL,
  failed_at = NULL`

/** An item that starts over, but for what the sink already has of it. */
export const requeuedAfresh: string = `state = 'requeued', ${neverTried}`

/** An item that is held from now on: what an attempt at another backend left says nothing. */
export function heldAfresh(noEvents: string): string {
  return `state = 'discarded', held = 1, batch = NULL, delivered_event_ids = ${noEvents}, ${neverTried}`
}

/**
 * An item that was held and is on its way again.
 * @param doubt since when a record is uncertain that no sink has an item of: in a copy the original
 *   may have sent it meanwhile.
 */
export function sentOn(doubt: string): string {
  return `state = 'requeued', uncertain_since = ${doubt}`
}

/**
 * `distrusted`, of all that is on its way up to a record. A claim that was never settled is uncertain
 * from its own time, which this would hide.
 * @param least the function for the lowest of some values, of which none is null.
 */
export function distrustSql(
  table: TableName,
  { sinceMs, upTo, least }: Readonly<Record<'sinceMs' | 'upTo' | 'least', string>>,
): string {
  return `UPDATE ${table('items')} SET uncertain_event_ids = NULL,
      uncertain_in = CASE WHEN uncertain_since IS NULL THEN batch ELSE uncertain_in END,
      uncertain_since = ${least}(${sinceMs}, coalesce(uncertain_since, ${sinceMs}), coalesce((
        SELECT claimed_at FROM ${table('batches')} WHERE id = batch AND lease IS NOT NULL), ${sinceMs}))
    WHERE state IN ('batched', 'requeued') AND seq <= ${upTo}`
}

/** Everything of before a sink is held, whether or not a claim has come to it. */
export function passHeldSql(table: TableName, sink: string): readonly string[] {
  return [
    `INSERT INTO ${table('items')} (sink, seq, state, held)
     SELECT name, seq, 'discarded', 1 FROM ${table('sinks')} JOIN ${table('records')}
       ON seq > cursor AND seq <= held_to
     WHERE name = ${sink} AND customer IS NOT NULL`,
    `UPDATE ${table('sinks')} SET cursor = held_to WHERE name = ${sink} AND cursor < held_to`,
  ]
}

/**
 * Sets how many records a sink has skipped by what it has, so that its counts add up.
 * @param counts `recorded`: how many there ever were; `isCounted`: whether one came after the sink's
 *   beginning; `late`: how many wait behind its cursor.
 */
export function countSkippedSql(
  table: TableName,
  sink: string,
  { recorded, isCounted, late }: Readonly<Record<'recorded' | 'isCounted' | 'late', string>>,
): string {
  return `UPDATE ${table('sinks')} SET missed = (${recorded}) - delivered - discarded - covered - (${late})
      - (SELECT count(*) FROM ${table('items')}
        WHERE items.sink = name AND (state <> 'discarded' OR held = 1))
      - (SELECT count(*) FROM ${table('records')} WHERE seq > cursor AND customer IS NOT NULL)
      - (SELECT count(*) FROM ${table('records')} WHERE ${isCounted} AND customer IS NULL)
    WHERE name = ${sink}`
}

/**
 * What is held for a sink, of before it, takes the state that it has with another one, whose place it
 * takes. In this order: each statement looks at what the one before has left.
 * @param names `from` and `to`, as parameters; `isAhead`: whether the old one has yet to come to an
 *   item; `first`: the column that says where a sink begins; `doubt`: see `sentOn`.
 */
export function takePlaceSql(
  table: TableName,
  names: Readonly<Record<'from' | 'to' | 'isAhead' | 'first' | 'noNames' | 'doubt', string>>,
): readonly string[] {
  const { from, to, isAhead, first, noNames, doubt } = names
  const items = table('items')
  const sinks = table('sinks')
  const upTo = `(SELECT held_to FROM ${sinks} WHERE name = ${to})`
  const isOld = `items.sink = ${to} AND items.held = 1 AND items.seq <= ${upTo}`
  const isTheirs = `EXISTS (
    SELECT 1 FROM ${items} AS theirs WHERE theirs.sink = ${from} AND theirs.seq = items.seq)`
  return [
    `UPDATE ${items} SET ${sentOn(doubt)}, held = 0 WHERE ${isOld} AND ${isAhead}`,
    `DELETE FROM ${items} WHERE items.sink = ${from} AND NOT EXISTS (
       SELECT 1 FROM ${items} AS own WHERE own.sink = ${to} AND own.seq = items.seq AND own.held = 1
         AND own.seq <= ${upTo})`,
    `DELETE FROM ${items} WHERE ${isOld} AND NOT ${isTheirs}`,
    `DELETE FROM ${items} WHERE ${isOld} AND ${isTheirs}`,
    `UPDATE ${sinks} SET held_to = 0, held_for = ${noNames},
       (delivered, discarded, covered, ${first}) = (
       SELECT sinks.delivered + theirs.delivered, sinks.discarded + theirs.discarded,
         sinks.covered + theirs.covered, theirs.${first}
       FROM ${sinks} AS theirs WHERE theirs.name = ${from})
     WHERE name = ${to}`,
  ]
}
