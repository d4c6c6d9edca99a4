import type { DatabaseSync } from 'node:sqlite'
import { openLeaseMs, type OpenRow } from '../open-usage.ts'
import { fromBody } from '../record-body.ts'
import { type RecordRow, type TakenRow, toRow } from './append.ts'
import { isHolderGone, isOfThisMachine } from './lease-owner.ts'
import { inTransaction } from './node-sqlite.ts'

/** How often others are looked up, in ms. */
const pollMs = 1000

/** The usage that is open in a file. */
export interface OpenUsageRows {
  /** As `OpenUsageStore.keep`. */
  keep(rows: readonly OpenRow[], ended: readonly string[]): void
  /**
   * Makes records of what was left open by those who are gone; in a copy those of another machine are, who
   * use the original.
   */
  takeOver(when?: 'now' | 'sometimes' | 'copied'): void
  /** The same of what is open here: the outbox is closed. */
  handOver(): void
}

export interface OpenUsageOptions {
  readonly owner: string
  readonly write: (rows: readonly RecordRow[]) => readonly TakenRow[]
  readonly now: () => number
}

interface Owner {
  readonly owner: string
  readonly seenAt: number
}

export function prepareOpenUsage(
  database: DatabaseSync,
  { owner, write, now }: OpenUsageOptions,
): OpenUsageRows {
  // Its record may be there already: it was taken for gone.
  const put = database.prepare(
    `INSERT INTO open_usage (id, body, hold_ids, owner, seen_at)
     SELECT :id, :body, :holds, :owner, :nowMs
     WHERE NOT EXISTS (SELECT 1 FROM records WHERE records.id = :id)
     ON CONFLICT (id) DO UPDATE SET body = excluded.body, hold_ids = excluded.hold_ids,
       owner = excluded.owner, seen_at = excluded.seen_at`,
  )
  const end = database.prepare('DELETE FROM open_usage WHERE id = ?')
  const see = database.prepare('UPDATE open_usage SET seen_at = ? WHERE owner = ?')
  const owners = database.prepare(
    'SELECT owner, max(seen_at) AS seenAt FROM open_usage WHERE owner <> ? GROUP BY owner',
  )
  const ofOwner = database.prepare(
    'SELECT id, body, hold_ids AS holds FROM open_usage WHERE owner = ? ORDER BY hold_ids, id',
  )
  let polledAt = Number.NEGATIVE_INFINITY

  const isGone = ({ owner: one, seenAt }: Owner): boolean =>
    isOfThisMachine(one) ? isHolderGone(one) : now() - seenAt > openLeaseMs

  const record = (one: string): void => {
    const rows = ofOwner.all(one) as unknown as readonly OpenRowText[]
    if (rows.length > 0) write(recordRows(rows))
  }

  return {
    keep(rows, ended) {
      const nowMs = now()
      inTransaction(database, () => {
        for (const { id, body, holdIds } of rows) {
          put.run({ id, body, holds: JSON.stringify(holdIds), owner, nowMs })
        }
        for (const id of ended) end.run(id)
        if (rows.length + ended.length === 0) see.run(nowMs, owner)
      })
    },
    takeOver(when = 'sometimes') {
      const at = performance.now()
      if (when === 'sometimes' && at - polledAt < pollMs) return
      polledAt = at
      for (const one of owners.all(owner) as unknown as readonly Owner[]) {
        const isElsewhere = when === 'copied' && !isOfThisMachine(one.owner)
        if (isElsewhere || isGone(one)) record(one.owner)
      }
    },
    handOver: () => record(owner),
  }
}

interface OpenRowText {
  readonly id: string
  readonly body: string
  readonly holds: string
}

/** Rows of one call have one list of holds: they are one append. */
function recordRows(rows: readonly OpenRowText[]): readonly RecordRow[] {
  const lists = new Map<string, readonly string[]>()
  return rows.map(({ id, body, holds }) => {
    const holdIds = lists.get(holds) ?? (JSON.parse(holds) as readonly string[])
    lists.set(holds, holdIds)
    return toRow(fromBody(body, null), { holdIds, ends: [id] })
  })
}
