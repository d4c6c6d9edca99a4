import type { DatabaseSync } from 'node:sqlite'
import type { Batch } from '../../sink/batch.ts'
import { heldAfresh, isHeldSql } from '../rules-sql.ts'
import type { BatchEntries } from './batch-entries.ts'
import { doubtOf } from './heartbeat.ts'

/** How much may be given out, and what must not. */
interface Take {
  readonly limit: number
  readonly nowMs: number
  readonly isLive: boolean
}

interface Waiting {
  readonly cursor: number
  readonly heldTo: number
  readonly anyRequeued: number
  /** Null where nothing is. */
  readonly isDoubted: number | null
}

/** Records that are looked at in one claim at the most, where none of them is given out. */
const maxPassed = 20_000

/**
 * Puts what waits for a known sink into a batch, requeued records first, each oldest first; none
 * when nothing waits. This claim is counted as their first attempt as they are put there. What the
 * sink must not get is passed over, and held.
 */
export function prepareNewBatch(
  database: DatabaseSync,
  entries: BatchEntries,
): (sink: string, take: Take) => Pick<Batch, 'id' | 'entries'> | undefined {
  const holdBack = prepareHoldBack(database)
  const waiting = database.prepare(
    `SELECT cursor, held_to AS heldTo,
       EXISTS (SELECT 1 FROM items WHERE sink = name AND state = 'requeued') AS anyRequeued,
       cursor < (SELECT max(upto) FROM rests WHERE state <> 'trusted') AS isDoubted
     FROM sinks WHERE name = ?`,
  )
  const takeRequeued = database.prepare(
    `UPDATE items SET state = 'batched', batch = :id, attempts = attempts + 1,
       first_attempt_at = coalesce(first_attempt_at, :nowMs)
     WHERE sink = :sink AND seq IN (
       SELECT seq FROM items WHERE sink = :sink AND state = 'requeued' ORDER BY seq LIMIT :limit)`,
  )
  const takeFresh = database.prepare(
    `INSERT INTO items (sink, seq, state, batch, attempts, first_attempt_at)
     SELECT :sink, seq, 'batched', :id, 1, :nowMs FROM records
     WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit`,
  )
  // To look for it at every record makes a claim a tenth slower.
  const takeDoubted = database.prepare(
    `INSERT INTO items (sink, seq, state, batch, attempts, first_attempt_at, uncertain_since)
     SELECT :sink, seq, 'batched', :id, 1, :nowMs, ${doubtOf('seq')} FROM records
     WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit`,
  )
  const takeOthers = database.prepare(
    `INSERT INTO items (sink, seq, state, batch, attempts, first_attempt_at, uncertain_since)
     SELECT :sink, seq, 'batched', :id, 1, :nowMs, ${doubtOf('records.seq')} FROM records
     WHERE seq > :cursor AND seq <= :passed AND customer IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM items WHERE items.sink = :sink AND items.seq = records.seq)`,
  )
  const endOf = database.prepare(
    `SELECT max(seq) AS passed, count(*) AS count FROM (SELECT seq FROM records
       WHERE seq > ? AND customer IS NOT NULL ORDER BY seq LIMIT ?)`,
  )
  const moveTo = database.prepare('UPDATE sinks SET cursor = ? WHERE name = ?')
  const moveToBatch = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT max(seq) FROM items WHERE batch = ?))
     WHERE name = ?`,
  )
  const moveToEnd = database.prepare(
    `UPDATE sinks SET cursor = max(cursor, (SELECT coalesce(max(seq), 0) FROM records))
     WHERE name = ?`,
  )

  /** Passes over what is held, and puts the others that lie between into the batch. */
  const takeBetween = (sink: string, id: string, nowMs: number, gate: FreshGate) => {
    const { limit } = gate
    let { cursor } = gate
    for (let seen = 0; seen < maxPassed;) {
      const held = holdBack.fresh(sink, { ...gate, cursor })
      if (held === 0) return { cursor, taken: 0 }
      const { passed, count } = endOf.get(cursor, limit) as { passed: number; count: number }
      const taken =
        held === count ? 0 : Number(takeOthers.run({ sink, id, nowMs, cursor, passed }).changes)
      moveTo.run(passed, sink)
      if (taken > 0) return { cursor: passed, taken }
      cursor = passed
      seen += count
    }
    return { cursor, taken: 0, isMore: true }
  }

  return (sink, { limit, nowMs, isLive }) => {
    const id = crypto.randomUUID()
    const known = waiting.get(sink) as unknown as Waiting | undefined
    // It was renamed.
    if (known === undefined) return undefined
    const { cursor, heldTo, anyRequeued, isDoubted } = known
    const gate = { heldTo, isLive }
    const take = isDoubted === 1 ? takeDoubted : takeFresh
    if (anyRequeued === 1) holdBack.requeued(sink, gate)
    // To look for them so costs some 50 µs even where there are none, which is nearly always.
    const requeued =
      anyRequeued === 1 ? Number(takeRequeued.run({ id, sink, limit, nowMs }).changes) : 0
    const room = limit - requeued
    const between =
      room > 0
        ? takeBetween(sink, id, nowMs, { ...gate, cursor, limit: room })
        : { cursor, taken: 0 }
    if (between.taken > 0) return { id, entries: entries.of(id) }
    if ('isMore' in between) return requeued > 0 ? { id, entries: entries.of(id) } : undefined
    const from = between.cursor
    const fresh =
      room > 0 ? Number(take.run({ id, sink, cursor: from, limit: room, nowMs }).changes) : 0
    if (requeued + fresh === limit) moveToBatch.run(id, sink)
    // What is left has no customer, and is not looked at again until it has one.
    else moveToEnd.run(sink)
    if (requeued + fresh === 0) return undefined
    const isPlain = requeued === 0 && isDoubted !== 1
    return { id, entries: isPlain ? entries.after(from, fresh) : entries.of(id) }
  }
}

/** Whether a sink bills for real, and up to which record all is held for it. */
interface Gate {
  readonly heldTo: number
  readonly isLive: boolean
}

/** The first fresh records after a cursor. */
interface FreshGate extends Gate {
  readonly cursor: number
  readonly limit: number
}

/** Puts what a claim must not give out aside, as held. */
export interface HoldBack {
  /** Of fresh records; returns how many. */
  fresh(sink: string, gate: FreshGate): number
  /** Of what was requeued. */
  requeued(sink: string, gate: Gate): void
  /** Of a batch that comes again; returns whether something of it is left. */
  batched(batch: string, isLive: boolean): boolean
}

export function prepareHoldBack(database: DatabaseSync): HoldBack {
  const isFromBefore = 'seq <= :heldTo'
  const window = `(SELECT seq, is_test FROM records
    WHERE seq > :cursor AND customer IS NOT NULL ORDER BY seq LIMIT :limit)
    WHERE ${isHeldSql({ isFromBefore, isLive: ':isLive', isTest: 'is_test' })}`
  const isTest = 'EXISTS (SELECT 1 FROM records WHERE records.seq = items.seq AND is_test)'
  const anyFresh = database.prepare(`SELECT 1 FROM ${window} LIMIT 1`)
  const holdFresh = database.prepare(
    `INSERT INTO items (sink, seq, state, held) SELECT :sink, seq, 'discarded', 1 FROM ${window}`,
  )
  const hold = `UPDATE items SET ${heldAfresh("'[]'")}`
  const holdRequeued = database.prepare(
    `${hold} WHERE sink = :sink AND state = 'requeued' AND held = 0
       AND ${isHeldSql({ isFromBefore, isLive: ':isLive', isTest })}`,
  )
  // What is from before is in no batch.
  const holdBatched = database.prepare(`${hold} WHERE batch = ? AND held = 0 AND ${isTest}`)
  const isLeft = database.prepare('SELECT 1 FROM items WHERE batch = ? LIMIT 1')

  return {
    fresh(sink, { cursor, heldTo, isLive, limit }) {
      if (!isLive && heldTo <= cursor) return 0
      const given = { cursor, heldTo, isLive: Number(isLive), limit }
      if (anyFresh.get(given) === undefined) return 0
      return Number(holdFresh.run({ ...given, sink }).changes)
    },
    requeued(sink, { heldTo, isLive }) {
      if (isLive || heldTo > 0) holdRequeued.run({ sink, heldTo, isLive: Number(isLive) })
    },
    batched(batch, isLive) {
      if (!isLive || holdBatched.run(batch).changes === 0) return true
      return isLeft.get(batch) !== undefined
    },
  }
}
