import { type Batch, type ClaimOptions, heldAfresh, Turns } from '@token-meter/core/outbox'
import { leasedEntries, type LeasedRow, toEntry } from './batch-entries.ts'
import { type Database, moment } from './database.ts'
import { prepareFreshBatch, type WholeClaim } from './fresh-batch.ts'
import type { Heartbeat } from './heartbeat.ts'
import { joined, plainText } from './sql-text.ts'

/** How often one claim polls again where everything that it met is held. */
const maxPolls = 20

export function prepareClaim(
  database: Database,
  heartbeat: Heartbeat,
): (sink: string, options: ClaimOptions) => Promise<Batch | undefined> {
  const { schema, locks } = database
  const freshBatch = prepareFreshBatch(database)
  const dueBatch = prepareDueBatch(database)
  const turns = new Turns()

  /** In a transaction of its own, because a claim must not write before it looks. */
  const makeKnown = (sink: string) =>
    database.transaction(async (ask) => {
      await ask(locks.everySink())
      await ask(
        `INSERT INTO ${schema}.sinks (name, missed) SELECT $1, pruned FROM ${schema}.ledger
         WHERE NOT EXISTS (SELECT FROM ${schema}.renamed_sinks WHERE name = $1)
         ON CONFLICT (name) DO NOTHING`,
        [plainText(sink)],
      )
    })

  return async (sink, options) => {
    const { lingerMs = 0, isMarked = false, isLive = false } = options
    const claim = { ...options, lingerMs, isMarked, isLive }
    await heartbeat.beat()
    const fresh = async (onlyIfNothingIsDue: boolean) => {
      const poll = () => freshBatch(sink, { ...claim, onlyIfNothingIsDue })
      let found = await poll()
      if (!found.isKnown) {
        await makeKnown(sink)
        found = await poll()
      }
      // All of what was looked at is held: behind it there may be something to give out.
      for (let more = 0; found.hasHeld && found.batch === undefined && more < maxPolls; more++) {
        found = await poll()
      }
      return found
    }
    const freshFirst = turns.isFreshFirst(sink)
    const found = await fresh(!freshFirst)
    if (found.batch !== undefined || !found.isDue) return found.batch
    const due = await dueBatch(sink, claim)
    if (due !== undefined) {
      turns.gaveAgain(sink)
      return due
    }
    // Another worker was faster.
    return freshFirst ? undefined : (await fresh(false)).batch
  }
}

/**
 * Leases the batch that waits longest for its next attempt, whole. One that still has a lease was
 * never settled: what its holder sent may have arrived, or, where it marked what it sent, what was in
 * flight.
 */
function prepareDueBatch(
  database: Database,
): (
  sink: string,
  options: Pick<WholeClaim, 'leaseMs' | 'isMarked' | 'isLive'>,
) => Promise<Batch | undefined> {
  const { schema } = database
  const isHeldFrom = `($6::boolean AND items.held = 0
    AND (SELECT is_test FROM ${schema}.records WHERE records.seq = items.seq))`
  const finish = `DELETE FROM ${schema}.batches WHERE id = $1 AND lease = $2
    AND NOT EXISTS (SELECT FROM ${schema}.items WHERE batch = $1)`
  const claim = `WITH ${moment('$1')},
    due AS MATERIALIZED (
      SELECT id, lease, claimed_at, is_marked FROM ${schema}.batches, moment
      WHERE sink = $2 AND due_at <= ms
      ORDER BY due_at, number LIMIT 1 FOR UPDATE OF batches SKIP LOCKED
    ), leased AS (
      UPDATE ${schema}.batches SET lease = $3, claimed_at = ms, due_at = ms + $4::float8,
        is_marked = $5::boolean
      FROM due, moment WHERE batches.id = due.id
    ), cleared AS (
      DELETE FROM ${schema}.marks USING due WHERE batch = due.id RETURNING parts
    ), marked AS MATERIALIZED (
      SELECT record, max(sum) AS sum, bool_or(events IS NULL) AS every,
        array_agg(DISTINCT event) FILTER (WHERE event IS NOT NULL) AS events
      FROM cleared CROSS JOIN LATERAL jsonb_to_recordset(parts)
          AS part ("recordIds" jsonb, "eventIds" jsonb, "sumId" text)
        CROSS JOIN LATERAL jsonb_array_elements_text("recordIds") AS record
        CROSS JOIN LATERAL (SELECT "eventIds" AS events, "sumId" AS sum) AS of
        LEFT JOIN LATERAL jsonb_array_elements_text(events) AS event ON true
      GROUP BY record
    ), doubtful AS MATERIALIZED (
      SELECT seq, every, events, sum FROM due JOIN ${schema}.items ON batch = due.id
        CROSS JOIN LATERAL (
          SELECT id FROM ${schema}.records WHERE records.seq = items.seq OFFSET 0) AS named
        JOIN marked ON record = named.id
      WHERE due.lease IS NOT NULL AND is_marked
      UNION ALL SELECT seq, true, NULL, NULL FROM due JOIN ${schema}.items ON batch = due.id
      WHERE due.lease IS NOT NULL AND NOT is_marked
    ), held AS (
      UPDATE ${schema}.items SET ${heldAfresh(`'{}'`)} FROM due WHERE items.batch = due.id AND ${isHeldFrom}
    ), tried AS (
      UPDATE ${schema}.items SET attempts = items.attempts + 1,
        first_attempt_at = coalesce(items.first_attempt_at, ms),
        uncertain_since = coalesce(items.uncertain_since,
          CASE WHEN doubtful.seq IS NOT NULL THEN due.claimed_at END),
        uncertain_event_ids = CASE
          WHEN doubtful.seq IS NULL THEN items.uncertain_event_ids
          WHEN every THEN NULL
          WHEN items.uncertain_since IS NULL THEN doubtful.events
          ELSE ${joined('items.uncertain_event_ids', 'doubtful.events')} END,
        uncertain_in = CASE WHEN doubtful.seq IS NULL THEN items.uncertain_in
          ELSE coalesce(sum, nullif(items.uncertain_in, due.id)) END
      FROM due CROSS JOIN moment JOIN ${schema}.items AS own ON own.batch = due.id
        LEFT JOIN doubtful ON doubtful.seq = own.seq
      WHERE items.sink = own.sink AND items.seq = own.seq AND NOT (${isHeldFrom})
    )
    SELECT id FROM due`
  const read = leasedEntries(schema, '$1', '$2')

  return async (sink, { leaseMs, isMarked, isLive }) => {
    for (;;) {
      const lease = crypto.randomUUID()
      const values = [database.nowMs, plainText(sink), lease, leaseMs, isMarked, isLive]
      const [due] = await database.query<{ id: string }>(claim, values)
      if (due === undefined) return undefined
      const rows = await database.query<LeasedRow>(read, [due.id, lease])
      if (rows.length > 0) return { id: due.id, sink, lease, entries: rows.map(toEntry) }
      // All of it is held now, or another worker was faster.
      await database.query(finish, [due.id, lease])
    }
  }
}
