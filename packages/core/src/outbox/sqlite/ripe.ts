import type { DatabaseSync } from 'node:sqlite'

/**
 * Whether what waits for a sink need not wait for more. Read without a lock, as a sink that lingers
 * is asked often.
 */
export function prepareIsRipe(
  database: DatabaseSync,
): (sink: string, limit: number, lingerMs: number, nowMs: number) => boolean {
  const state = database.prepare(
    `SELECT
       EXISTS (SELECT 1 FROM items WHERE sink = :sink AND state = 'requeued') AS anyRequeued,
       (SELECT coalesce(max(seq), 0) FROM records)
         - coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0) AS waiting,
       (SELECT at FROM records WHERE customer IS NOT NULL
         AND seq > coalesce((SELECT cursor FROM sinks WHERE name = :sink), 0)
         ORDER BY seq LIMIT 1) AS oldest`,
  )
  return (sink, limit, lingerMs, nowMs) => {
    if (lingerMs === 0) return true
    const { anyRequeued, waiting, oldest } = state.get({ sink }) as {
      anyRequeued: number
      waiting: number
      oldest: number | null
    }
    if (anyRequeued === 1 || waiting >= limit) return true
    return oldest !== null && Math.abs(nowMs - oldest) >= lingerMs
  }
}
