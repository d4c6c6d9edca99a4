import type { DatabaseSync } from 'node:sqlite'

/** So few records that a look at all of them holds up nobody for more than some ms. */
const windowSize = 2000

export interface RecordWindow {
  readonly from: number
  readonly to: number
}

/**
 * Walks over the records that come after a mark, window by window, and lets the process get on with
 * other things between them.
 */
export function prepareRecordWindows(
  database: DatabaseSync,
): (after: number) => AsyncGenerator<RecordWindow> {
  const start = database.prepare('SELECT min(seq) AS seq FROM records WHERE seq > ?')

  return async function* windows(after) {
    for (let seen = after; ;) {
      const { seq: from } = start.get(seen) as { seq: number | null }
      if (from === null) return
      seen = from + windowSize - 1
      yield { from, to: seen }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}
