import type { Batch, ClaimOptions } from '@token-meter/core/outbox'
import type { Database } from '../database.ts'
import type { Heartbeat } from '../identity/heartbeat.ts'
import { plainText } from '../sql-text.ts'
import { prepareDueBatch } from './due-batch.ts'
import { prepareFreshBatch } from './fresh-batch.ts'

/** How often one claim looks on where everything that it met is held. */
const mostLooks = 20

export function prepareClaim(
  database: Database,
  heartbeat: Heartbeat,
): (sink: string, options: ClaimOptions) => Promise<Batch | undefined> {
  const { schema, locks } = database
  const freshBatch = prepareFreshBatch(database)
  const dueBatch = prepareDueBatch(database)
  /** Sinks whose last claim was a retry: fresh records come next, or retries could starve them. */
  const gotRetry = new Set<string>()

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
    const { limit, leaseMs, lingerMs = 0, isMarked = false, isLive = false } = options
    await heartbeat.beat()
    const fresh = async (onlyIfNothingIsDue: boolean) => {
      const look = () =>
        freshBatch(sink, limit, leaseMs, { lingerMs, isMarked, isLive, onlyIfNothingIsDue })
      let found = await look()
      if (!found.isKnown) {
        await makeKnown(sink)
        found = await look()
      }
      // All of what was looked at is held: behind it there may be something to give out.
      for (let more = 0; found.hasHeld && found.batch === undefined && more < mostLooks; more++) {
        found = await look()
      }
      return found
    }
    const freshFirst = gotRetry.delete(sink)
    const found = await fresh(!freshFirst)
    if (found.batch !== undefined || !found.isDue) return found.batch
    const due = await dueBatch(sink, leaseMs, { isMarked, isLive })
    if (due !== undefined) {
      gotRetry.add(sink)
      return due
    }
    // Another worker was faster.
    return freshFirst ? undefined : (await fresh(false)).batch
  }
}
