/**
 * Notices that the database is a copy, or was restored: `identity` says which server and tables they
 * were at the last sign of life. Where that differs, what waits may have been delivered from the
 * other one since then. So may what was settled shortly before a failover to a standby that had not
 * heard of it; sent again within the hour it costs nothing.
 *
 * Each process looks when it comes, before its first append, and every `beatMs` at a claim.
 */
import { copyFound, distrustedSince, distrustSql, OutboxError } from '@token-meter/core/outbox'
import { type Ask, type Database, type Transaction, moment } from './database.ts'
import { type ServerQuestions, askableQuestions } from './server-questions.ts'

/** How old the last sign of life of a database in use may get, in ms; a long claim adds to it. */
const beatMs = 30_000
/** Longer without one, a database was at rest, in ms: a snapshot of it may have been put back. */
const restMs = 10 * 60_000

export interface Heartbeat {
  /** A sign of life, where it is time for one, and a look at where the database is. */
  beat(): Promise<void>
  /** See the contract. */
  distrust(sinceMs?: number): Promise<number>
}

interface Seen {
  readonly nowMs: number
  /** Null before the first sign of life. */
  readonly seenAt: number | null
  readonly differs: boolean
}

interface Doubt {
  readonly upTo: number | string
  readonly sinceMs: number
}

/** @param tell told that it is a copy when records wait in it, and what cannot be noticed. */
export function prepareHeartbeat(
  database: Database,
  tell: (error: OutboxError) => void,
): Heartbeat {
  const { schema, locks, description } = database
  let questions: ServerQuestions | undefined
  /** What was told of as refused. */
  let told = ''
  let lastBeatMs = Number.NEGATIVE_INFINITY
  /** The last sign of life before this process came. */
  let openedAfterMs: number | undefined

  const server = ({ system, timeline, place }: ServerQuestions) =>
    `server AS MATERIALIZED (SELECT ${system} AS system, ${timeline} AS timeline, ${place} AS place)`
  const differs = `(known.system <> server.system OR known.timeline <> server.timeline
    OR known.place <> server.place) IS TRUE`
  const learn = `system = coalesce(server.system, known.system),
    timeline = coalesce(server.timeline, known.timeline), place = server.place`
  const last = `SELECT coalesce(max(seq), 0) AS "upTo" FROM ${schema}.records`
  const addRest = `INSERT INTO ${schema}.rests (upto, since, distrusted) VALUES ($1, $2, $3)`
  const forgetRests = `DELETE FROM ${schema}.rests
    WHERE NOT EXISTS (SELECT FROM ${schema}.records WHERE seq <= upto)`
  const distrustRests = `UPDATE ${schema}.rests SET distrusted = true WHERE NOT distrusted
    RETURNING upto AS "upTo", since AS "sinceMs"`
  const mark = distrustSql((table) => `${schema}.${table}`, {
    sinceMs: '$2::float8',
    upTo: '$1::bigint',
    least: 'least',
  })
  const waiting = `SELECT count(*) AS count FROM (
      SELECT seq FROM ${schema}.items
        WHERE state IN ('batched', 'requeued') AND sink IN (SELECT name FROM ${schema}.sinks)
      UNION SELECT seq FROM ${schema}.records
        WHERE customer IS NOT NULL AND seq > coalesce((SELECT min(cursor) FROM ${schema}.sinks), 0)
      UNION SELECT seq FROM ${schema}.holes JOIN ${schema}.records USING (seq)
        WHERE customer IS NOT NULL) AS pending`

  const ready = async (ask: Ask): Promise<ServerQuestions> =>
    (questions ??= await askableQuestions(ask, schema, (what, cause) => {
      if (told === what.join()) return
      told = what.join()
      tell(notNoticed(description, what, cause))
    }))
  const countWaiting = async (ask: Ask): Promise<number> => {
    const [row] = await ask<{ count: unknown }>(waiting)
    return Number(row?.count)
  }
  const doubt = async (ask: Ask, { upTo, sinceMs }: Doubt): Promise<void> => {
    await ask(mark, [upTo, sinceMs])
    await ask(`UPDATE ${schema}.identity SET restored = restored + 1`)
  }
  const upToNow = async (ask: Ask): Promise<number | string> => {
    const [row] = await ask<{ upTo: string }>(last)
    return row?.upTo ?? 0
  }

  /** Judges where the database is, with nobody claiming meanwhile. */
  const judge = async (ask: Ask, asked: ServerQuestions): Promise<OutboxError | undefined> => {
    await ask(locks.everySink())
    const look = `WITH ${moment('$1')}, ${server(asked)}
      SELECT ms AS "nowMs", known.seen_at AS "seenAt", ${differs} AS differs
      FROM ${schema}.identity AS known, moment, server`
    const live = `WITH ${server(asked)} UPDATE ${schema}.identity AS known
      SET seen_at = $1, ${learn} FROM server`
    const [seen] = await ask<Seen>(look, [database.nowMs])
    if (seen === undefined) return undefined
    const { nowMs, seenAt } = seen
    openedAfterMs ??= seenAt ?? nowMs
    await ask(live, [nowMs])
    await ask(forgetRests)
    const rested = seenAt !== null && nowMs - seenAt >= restMs
    if (seenAt === null || !(seen.differs || rested)) return undefined
    const rest = { upTo: await upToNow(ask), sinceMs: Math.min(seenAt, nowMs) }
    await ask(addRest, [rest.upTo, rest.sinceMs, seen.differs])
    if (!seen.differs) return undefined
    await doubt(ask, rest)
    const count = await countWaiting(ask)
    if (count === 0) return undefined
    return copyFound({ outbox: `outbox ${description}`, sinceMs: rest.sinceMs, count })
  }
  const come = async (ask: Ask, transaction: Transaction): Promise<void> => {
    const asked = await ready(ask)
    const news = await transaction((within) => judge(within, asked))
    lastBeatMs = database.localNowMs
    if (news !== undefined) tell(news)
  }
  database.whenPrepared = come

  /** Nothing where it has to be judged first. */
  const live = async (): Promise<boolean> => {
    if (questions === undefined) return false
    const statement = `WITH ${moment('$1')}, ${server(questions)}
      UPDATE ${schema}.identity AS known SET seen_at = ms, ${learn} FROM moment, server
      WHERE NOT ${differs} AND ms - known.seen_at < ${restMs} RETURNING 1 AS alive`
    try {
      return (await database.query(statement, [database.nowMs])).length > 0
    } catch (cause) {
      // What the role may ask has changed, or the failure comes again.
      questions = undefined
      throw cause
    }
  }

  return {
    async beat() {
      await database.prepared()
      const nowMs = database.localNowMs
      if (Math.abs(nowMs - lastBeatMs) < beatMs) return
      if (await live()) lastBeatMs = nowMs
      else await database.connected(come)
    },
    async distrust(sinceMs) {
      await database.prepared()
      const openedAfter = openedAfterMs ?? database.localNowMs
      const given = distrustedSince(sinceMs === undefined ? openedAfter : sinceMs, Infinity)
      return await database.transaction(async (ask) => {
        await ask(locks.everySink())
        const [clock] = await ask<{ ms: number }>(`WITH ${moment('$1')} SELECT ms FROM moment`, [
          database.nowMs,
        ])
        const own = { upTo: await upToNow(ask), sinceMs: Math.min(given, clock?.ms ?? given) }
        const earlier = sinceMs === undefined ? await ask<Doubt>(distrustRests) : []
        await ask(addRest, [own.upTo, own.sinceMs, true])
        for (const one of [own, ...earlier]) await doubt(ask, one)
        return await countWaiting(ask)
      })
    },
  }
}

function notNoticed(description: string, what: readonly string[], cause: unknown): OutboxError {
  const reason = cause instanceof Error ? ` (${cause.message})` : ''
  return new OutboxError(
    `The outbox ${description} may not call ${what.join(' and ')}${reason}: a restored backup of the ` +
      'whole server is not noticed. After restoring one call outbox.distrust(), or let the role call ' +
      'it: GRANT EXECUTE ON FUNCTION. Tables that were restored from a dump are noticed all the same.',
    { cause },
  )
}

/** Since when a record is uncertain that no sink has an item of: what the outbox rested before. */
export function doubtOf(schema: string, seq: string): string {
  return `(SELECT min(since) FROM ${schema}.rests WHERE distrusted AND upto >= ${seq})`
}
