import {
  type Batch,
  batchReadySql,
  type ClaimOptions,
  heldAfresh,
  isHeldSql,
} from '@token-meter/core/outbox'
import { leasedEntries, type LeasedRow, toEntry } from './batch-entries.ts'
import { type Database, moment } from './database.ts'
import { doubtOf } from './heartbeat.ts'
import { literal, wholeNumber } from './sql-text.ts'

/** A claim, with nothing left out. */
export type WholeClaim = {
  readonly [Name in keyof ClaimOptions]-?: NonNullable<ClaimOptions[Name]>
}

/** The values of the statement, as text. */
interface FreshValues {
  readonly sink: string
  readonly limit: string
  readonly leaseMs: string
  readonly lingerMs: string
  readonly id: string
  readonly lease: string
  readonly isMarked: boolean
  readonly isLive: boolean
  readonly onlyIfNothingIsDue: boolean
}

/** What a look for records that are in no batch yet has found. */
export interface FreshClaim {
  /** False: the sink has to be made known first. */
  readonly isKnown: boolean
  /** A batch waits for its next attempt. */
  readonly isDue: boolean
  /** It met records that are held from now on. */
  readonly hasHeld: boolean
  readonly batch: Batch | undefined
}

interface Found {
  readonly known: boolean
  readonly due: boolean
  readonly held: boolean
}

/**
 * Puts waiting records into a batch, oldest first.
 *
 * Numbers come out of order: while the cursor passes what it can see, a transaction with a smaller
 * number may not have committed. Each number that is not there leaves a hole, which is looked into
 * at every claim, and which closes when the number turns up or when nobody can bring it any more:
 *
 * - Who draws a number has its transaction id before (append/append.ts).
 * - So everybody who drew a number below one that this statement sees has an id from before this
 *   statement's snapshot.
 * - This transaction gets its own id after that snapshot, by its first write. Therefore nothing may
 *   be written before the statement, and its locks are not locks of rows. The id is the `horizon`.
 * - Once every transaction below the horizon is over (`pg_snapshot_xmin`), a hole that is still one
 *   stays one. So does one whose horizon is still to come: the tables were brought here from another
 *   server, by a dump, and its transactions were not.
 */
export function prepareFreshBatch(
  database: Database,
): (
  sink: string,
  options: WholeClaim & { readonly onlyIfNothingIsDue: boolean },
) => Promise<FreshClaim> {
  const { schema, locks } = database

  /** Look-ups by number are subqueries on purpose: a join could choose to read the whole table. */
  const statement = ({
    sink,
    limit,
    leaseMs,
    lingerMs,
    id,
    lease,
    isMarked,
    isLive,
    onlyIfNothingIsDue,
  }: FreshValues): string => `WITH ${moment(literal(database.nowMs))},
    sink AS MATERIALIZED (SELECT cursor, held_to FROM ${schema}.sinks WHERE name = ${sink}),
    due AS MATERIALIZED (
      SELECT EXISTS (
        SELECT FROM ${schema}.batches, moment WHERE sink = ${sink} AND due_at <= ms) AS waits
    ), may AS MATERIALIZED (
      SELECT cursor, held_to FROM sink, due, moment
      WHERE NOT (${onlyIfNothingIsDue} AND waits) AND ${ready(schema, { sink, limit, lingerMs })}
    ), late AS MATERIALIZED (
      SELECT seq, customer, is_test FROM ${schema}.holes CROSS JOIN LATERAL (
        SELECT customer, is_test FROM ${schema}.records WHERE records.seq = holes.seq OFFSET 0) AS record
      WHERE sink = ${sink}
    ), chosen AS MATERIALIZED (
      SELECT seq, is_free AND ${isHeldSql({
        isFromBefore: 'seq <= held_to',
        isLive: String(isLive),
        isTest: 'is_test',
      })} AS is_held
      FROM may CROSS JOIN LATERAL (
        (SELECT seq, held = 0 AS is_free, ${isLive} AND (
            SELECT is_test FROM ${schema}.records WHERE records.seq = items.seq) AS is_test
          FROM ${schema}.items
          WHERE sink = ${sink} AND state = 'requeued' ORDER BY seq LIMIT ${limit})
        UNION ALL SELECT seq, true, is_test FROM late WHERE customer IS NOT NULL
        UNION ALL (SELECT seq, true, is_test FROM ${schema}.records
          WHERE seq > may.cursor AND customer IS NOT NULL ORDER BY seq LIMIT ${limit})
      ) AS waiting ORDER BY seq LIMIT ${limit}
    ), passed AS MATERIALIZED (
      SELECT cursor AS below, greatest(cursor, CASE
        WHEN (SELECT count(*) FROM chosen) = ${limit} THEN (SELECT max(seq) FROM chosen)
        ELSE (SELECT max(seq) FROM ${schema}.records) END) AS mark
      FROM may
    ), moved AS (
      UPDATE ${schema}.sinks SET cursor = mark FROM passed WHERE name = ${sink} AND mark > below
    ), opened AS (
      INSERT INTO ${schema}.holes (sink, seq, horizon)
      SELECT ${sink}, number, pg_current_xact_id()
      FROM passed, ${schema}.ledger,
        LATERAL generate_series(greatest(below, solid) + 1, mark) AS number
      WHERE (SELECT there.seq FROM ${schema}.records AS there WHERE there.seq = number) IS NULL
    ), closed AS (
      DELETE FROM ${schema}.holes USING may WHERE sink = ${sink} AND CASE
        WHEN seq IN (SELECT seq FROM late)
        THEN seq IN (SELECT seq FROM chosen)
          OR seq IN (SELECT seq FROM late WHERE customer IS NULL)
        ELSE horizon <= pg_snapshot_xmin(pg_current_snapshot())
          OR horizon >= pg_snapshot_xmax(pg_current_snapshot()) END
    ), leased AS (
      INSERT INTO ${schema}.batches (id, sink, lease, claimed_at, due_at, is_marked)
      SELECT ${id}, ${sink}, ${lease}, ms, ms + ${leaseMs}, ${isMarked} FROM moment
      WHERE EXISTS (SELECT FROM chosen WHERE NOT is_held)
    ), taken AS (
      INSERT INTO ${schema}.items AS item
        (sink, seq, state, batch, attempts, first_attempt_at, uncertain_since)
      SELECT ${sink}, seq, 'batched', ${id}, 1, ms, ${doubtOf(schema, 'seq')} FROM chosen, moment
      WHERE NOT is_held
      ON CONFLICT (sink, seq) DO UPDATE SET state = 'batched', batch = excluded.batch,
        attempts = 1, first_attempt_at = excluded.first_attempt_at
    ), held AS (
      INSERT INTO ${schema}.items AS item (sink, seq, state, held)
      SELECT ${sink}, seq, 'discarded', 1 FROM chosen WHERE is_held
      ON CONFLICT (sink, seq) DO UPDATE SET ${heldAfresh(`'{}'`)}
    )
    SELECT EXISTS (SELECT FROM sink) AS known, (SELECT waits FROM due) AS due,
      EXISTS (SELECT FROM chosen WHERE is_held) AS held`

  return async (sink, { limit, leaseMs, lingerMs, isMarked, isLive, onlyIfNothingIsDue }) => {
    const id = crypto.randomUUID()
    const lease = crypto.randomUUID()
    const [, found = [], rows = []] = await database.script<Found | LeasedRow>(
      [
        locks.sink(sink),
        statement({
          sink: literal(sink),
          limit: literal(wholeNumber(limit, 1)),
          leaseMs: literal(leaseMs),
          lingerMs: literal(lingerMs),
          id: literal(id),
          lease: literal(lease),
          isMarked,
          isLive,
          onlyIfNothingIsDue,
        }),
      ],
      leasedEntries(schema, literal(id), literal(lease)),
    )
    const [{ known, due, held } = { known: false, due: false, held: false }] =
      found as readonly Found[]
    const entries = (rows as readonly LeasedRow[]).map(toEntry)
    return {
      isKnown: known,
      isDue: due,
      hasHeld: held,
      batch: entries.length > 0 ? { id, sink, lease, entries } : undefined,
    }
  }
}

/** Whether what waits need not wait for more: what comes late has waited already. */
function ready(
  schema: string,
  { sink, limit, lingerMs }: Pick<FreshValues, 'sink' | 'limit' | 'lingerMs'>,
): string {
  const waiting = {
    anyRequeued: `(
      EXISTS (SELECT FROM ${schema}.items WHERE sink = ${sink} AND state = 'requeued')
      OR EXISTS (SELECT FROM ${schema}.holes JOIN ${schema}.records USING (seq) WHERE sink = ${sink}))`,
    count: `(SELECT count(*) FROM (
      SELECT FROM ${schema}.records WHERE seq > cursor LIMIT ${limit}) AS ahead)`,
    oldestAt: `(SELECT at FROM ${schema}.records
      WHERE seq > cursor AND customer IS NOT NULL ORDER BY seq LIMIT 1)`,
  }
  return batchReadySql(waiting, { limit, lingerMs, nowMs: 'ms' })
}
