/**
 * Notices a copy. The database says in which places it lives, and when it was last in use there; who
 * opens it in another place has a copy, or a backup that was restored. What waits in it the original
 * may have delivered since that last use.
 *
 *     opened in a known place ──────────────────────────────> trusted
 *     opened in another, nobody else is alive ──────────────> distrusted
 *     opened in another while somebody is alive ──> watched ──> trusted: the other one is seen again
 *                                                          └──> distrusted: it is not
 *
 * One file has several places where containers see different inodes of it; only its other users can
 * show that, by going on to write to it.
 *
 * A sign of life is written by who writes anyway, at a claim, or shortly after an append, never
 * within one, and at most once in `beatMs`.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { OutboxError } from '../../errors/errors.ts'
import { copyFound } from '../faults.ts'
import { distrustSql } from '../rules-sql.ts'
import { distrustedSince } from '../rules.ts'
import { type FileMark, isSamePlace } from './file-identity.ts'
import { inTransaction } from './node-sqlite.ts'

/** How old the last sign of life of a file in use may get, in ms; a busy claim adds to it. */
const beatMs = 30_000
/** Somebody who was seen so recently may be alive, in ms. */
const aliveMs = 3 * 60_000
/** How long after the last sign of life the other users have to show themselves, in ms. */
const watchMs = 10 * 60_000
/** Longer without one, a file was at rest, in ms: a snapshot of it may have been put back. */
const restMs = 10 * 60_000

export interface HeartbeatOptions {
  readonly path: string
  /** See `placeOf`. */
  readonly place: string
  readonly mark: FileMark
  readonly now: () => number
  /** Told that the file is a copy, when records wait in it. */
  readonly found: (error: OutboxError) => void
  /** Called when it is found to be a copy, before what it has is doubted. */
  readonly copied?: () => void
}

export interface Heartbeat {
  /** Work in one transaction, with a sign of life where it is time for one. */
  transaction<Value>(nowMs: number, work: () => Value): Value
  /** A sign of life, where it is time for one. */
  beat(): void
  /** See the contract. */
  distrust(sinceMs?: number): number
}

interface Sighting {
  readonly place: string
  readonly seenAt: number
}

/** Records up to a number that may have been delivered elsewhere, from a time on. */
interface Doubt {
  readonly upTo: number
  readonly sinceMs: number
}

interface Rest extends Doubt {
  readonly place: string
  readonly beat: number
}

/** Finds out at once whether the file is the one that it was. */
export function prepareHeartbeat(database: DatabaseSync, options: HeartbeatOptions): Heartbeat {
  const { path, mark, now, found } = options
  const distrusted = prepareDistrusted(database)
  const identity = database.prepare('SELECT id, beat FROM identity')
  const sightings = database.prepare('SELECT place, seen_at AS seenAt FROM sightings')
  const count = database.prepare('UPDATE identity SET beat = max(beat, ?) + 1 RETURNING beat')
  const see = database.prepare(
    `INSERT INTO sightings (place, first_beat, beat, seen_at) VALUES (:place, :beat, :beat, :nowMs)
     ON CONFLICT (place) DO UPDATE SET beat = excluded.beat, seen_at = excluded.seen_at`,
  )
  const leaveOthers = database.prepare('DELETE FROM sightings WHERE place <> ? AND first_beat < ?')
  /** Who uses the original says nothing of the copy; who uses the copy says so again. */
  const forgetUsers = database.prepare('DELETE FROM sink_users')
  const lastRecord = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM records')
  const addRest = database.prepare(
    `INSERT INTO rests (upto, since, state, place, beat)
     VALUES (:upTo, :sinceMs, :state, :place, :beat)`,
  )
  const forgetRests = database.prepare(
    'DELETE FROM rests WHERE NOT EXISTS (SELECT 1 FROM records WHERE seq <= upto)',
  )
  const watched = database.prepare(`SELECT 1 FROM rests WHERE state = 'watched'`)
  // Only who was there before can show that it is one file: another newcomer has another copy.
  const trustWatched = database.prepare(
    `UPDATE rests SET state = 'trusted' WHERE state = 'watched' AND EXISTS (
       SELECT 1 FROM sightings WHERE sightings.place <> rests.place
         AND first_beat < rests.beat AND sightings.beat > rests.beat)`,
  )
  const endWatch = database.prepare(
    `UPDATE rests SET state = 'distrusted' WHERE state = 'watched' AND abs(? - since) > ${watchMs}
     RETURNING upto AS upTo, since AS sinceMs, place, beat`,
  )
  const distrustRests = database.prepare(
    `UPDATE rests SET state = 'distrusted' WHERE state <> 'distrusted'
     RETURNING upto AS upTo, since AS sinceMs`,
  )

  /** As what this process is seen: others may know less, or more, of the same place. */
  let { place } = options
  let lastBeatMs = Number.NEGATIVE_INFINITY

  const look = (nowMs: number) => {
    const { id, beat } = identity.get() as { id: string; beat: number }
    const seen = sightings.all() as unknown as readonly Sighting[]
    const known = seen.find((one) => isSamePlace(one.place, options.place))
    return { id, beat, marked: mark.read(id), known, lastMs: lastSeen(seen, nowMs) }
  }
  const last = () => (lastRecord.get() as { seq: number }).seq

  /** Within a transaction. Returns the number of the sign. */
  const live = (nowMs: number, marked = 0): number => {
    const { beat } = count.get(marked) as { beat: number }
    see.run({ place, beat, nowMs })
    return beat
  }
  const distrust = (rests: readonly Rest[]): OutboxError | undefined => {
    for (const rest of rests) {
      distrusted.mark(rest)
      leaveOthers.run(rest.place, rest.beat)
      forgetUsers.run()
    }
    const waiting = rests.length > 0 ? distrusted.count() : 0
    if (waiting === 0) return undefined
    const sinceMs = Math.min(...rests.map((rest) => rest.sinceMs))
    return copyFound({ outbox: `outbox ${path}`, sinceMs, count: waiting })
  }
  const judgeWatched = (nowMs: number): OutboxError | undefined => {
    if (watched.get() === undefined) return undefined
    trustWatched.run()
    return distrust(endWatch.all(nowMs) as unknown as readonly Rest[])
  }

  /** The first sign of life in a place, or after a time without one. */
  const arrive = (nowMs: number): OutboxError | undefined => {
    const { beat, marked, known, lastMs } = look(nowMs)
    place = known?.place ?? options.place
    forgetRests.run()
    const own = live(nowMs, marked)
    if (lastMs === undefined) return undefined
    const isCopy = known === undefined || marked > beat
    if (!isCopy && nowMs - lastMs < restMs) return undefined
    const mayBeWatched = marked <= beat && nowMs - lastMs <= aliveMs
    const state = isCopy ? (mayBeWatched ? 'watched' : 'distrusted') : 'trusted'
    const rest = { upTo: last(), sinceMs: lastMs, place, beat: own }
    addRest.run({ ...rest, state })
    return state === 'distrusted' ? distrust([rest]) : undefined
  }

  /** One transaction with a sign of life, and with what that shows. */
  const beating = <Value>(nowMs: number, work: () => Value, isFirst = false): Value => {
    // Whatever comes of it, the next one has time.
    lastBeatMs = nowMs
    const { value, news } = inTransaction(database, () => {
      const arrived = isFirst ? arrive(nowMs) : void live(nowMs)
      return { news: [arrived, judgeWatched(nowMs)], value: work() }
    })
    const { id, beat } = identity.get() as { id: string; beat: number }
    mark.write(id, beat)
    for (const error of news) if (error !== undefined) found(error)
    return value
  }

  /** The last sign of life before this process came; absent until it could find out. */
  let openedAfterMs: number | undefined
  const open = (nowMs: number): number => {
    if (openedAfterMs !== undefined) return openedAfterMs
    const { beat, marked, known, lastMs: last } = look(nowMs)
    const lastMs = last ?? nowMs
    const isCopy = last !== undefined && (known === undefined || marked > beat)
    if (isCopy && (marked > beat || nowMs - lastMs > aliveMs)) options.copied?.()
    const isCalm = known !== undefined && marked <= beat && watched.get() === undefined
    if (isCalm && !isTime(nowMs, known.seenAt)) [place, lastBeatMs] = [known.place, known.seenAt]
    else beating(nowMs, () => {}, true)
    return (openedAfterMs = lastMs)
  }
  try {
    open(now())
  } catch {
    // Locked, full or damaged: whoever writes is told. Nothing is delivered before it is known.
  }

  return {
    transaction(nowMs, work) {
      open(nowMs)
      return isTime(nowMs, lastBeatMs) ? beating(nowMs, work) : inTransaction(database, work)
    },
    beat() {
      const nowMs = now()
      open(nowMs)
      if (isTime(nowMs, lastBeatMs)) beating(nowMs, () => {})
    },
    distrust(sinceMs) {
      const nowMs = now()
      const openedAfter = open(nowMs)
      const since = distrustedSince(sinceMs === undefined ? openedAfter : sinceMs, nowMs)
      return inTransaction(database, () => {
        const own = { upTo: last(), sinceMs: since }
        const earlier = sinceMs === undefined ? distrustRests.all() : []
        addRest.run({ ...own, state: 'distrusted', place: null, beat: null })
        const doubts = [own, ...(earlier as unknown as readonly Doubt[])]
        for (const doubt of doubts) distrusted.mark(doubt)
        return distrusted.count()
      })
    },
  }
}

function isTime(nowMs: number, lastMs: number): boolean {
  return Math.abs(nowMs - lastMs) >= beatMs
}

/** Of a clock that was ahead, it is now. */
function lastSeen(seen: readonly Sighting[], nowMs: number): number | undefined {
  if (seen.length === 0) return undefined
  const past = seen.map(({ seenAt }) => seenAt).filter((at) => at <= nowMs)
  return past.length === 0 ? nowMs : Math.max(...past)
}

/** Since when a record with this number is uncertain that no sink has an item of. */
export const doubtOf = (seq: string): string =>
  `(SELECT min(since) FROM rests WHERE state <> 'trusted' AND upto >= ${seq})`

/** Makes what is on its way to a sink uncertain, and counts it. Within a transaction. */
function prepareDistrusted(database: DatabaseSync): {
  mark(doubt: Doubt): void
  /** How many records wait for any sink. */
  count(): number
} {
  const mark = database.prepare(
    distrustSql((table) => table, { sinceMs: ':sinceMs', upTo: ':upTo', least: 'min' }),
  )
  const waiting = database.prepare(
    `SELECT count(*) AS count FROM (
       SELECT seq FROM items
         WHERE state IN ('batched', 'requeued') AND sink IN (SELECT name FROM sinks)
       UNION SELECT seq FROM records
         WHERE customer IS NOT NULL AND seq > coalesce((SELECT min(cursor) FROM sinks), 0))`,
  )
  const restored = database.prepare('UPDATE identity SET restored = restored + 1')
  return {
    mark({ upTo, sinceMs }: Doubt) {
      mark.run({ upTo, sinceMs })
      restored.run()
    },
    count: () => (waiting.get() as { count: number }).count,
  }
}
