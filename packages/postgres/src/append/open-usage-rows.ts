/** The usage that is open in the database, of this process and of others. */
import {
  fromBody,
  isProcessGone,
  openLeaseMs,
  type OpenRow,
  type ProcessName,
  thisProcess,
} from '@token-meter/core/outbox'
import { type Database, moment } from '../database.ts'
import { plainText } from '../sql-text.ts'
import { type RecordRow, toRow } from './append.ts'

/** How often others are looked up, in ms. */
const pollMs = 1000

export interface OpenUsageRows {
  /** As `OpenUsageStore.keep`. */
  keep(rows: readonly OpenRow[], ended: readonly string[]): Promise<void>
  /**
   * Makes records of what was left open by those who are gone; in a copy those of another machine are, who
   * use the original.
   */
  takeOver(when?: 'now' | 'sometimes' | 'copied'): Promise<void>
  /** The same of what is open here: the outbox is closed. */
  handOver(): Promise<void>
}

interface OwnerRow {
  readonly owner: string
  /** Its last sign of life is too old. */
  readonly isSilent: boolean
}

interface OpenRowText {
  readonly id: string
  readonly body: string
  readonly holdIds: readonly string[]
}

/** @param store appends rows, all or none. */
export function prepareOpenUsage(
  database: Database,
  store: (rows: readonly RecordRow[]) => Promise<unknown>,
): OpenUsageRows {
  const { schema } = database
  const owner = newOwner()
  const table = `${schema}.open_usage`
  // Its record may be there already: it was taken for gone.
  const keep = `WITH ${moment('$1')}, ended AS (
      DELETE FROM ${table} WHERE id = ANY ($2::text[])
    )
    INSERT INTO ${table} AS open (id, body, hold_ids, owner, seen_at)
    SELECT given.id, body, ARRAY(SELECT jsonb_array_elements_text(holds::jsonb)), $3, ms
    FROM moment, unnest($4::text[], $5::text[], $6::text[]) AS given (id, body, holds)
    WHERE NOT EXISTS (SELECT FROM ${schema}.records WHERE records.id = given.id)
    ON CONFLICT (id) DO UPDATE SET body = excluded.body, hold_ids = excluded.hold_ids,
      owner = excluded.owner, seen_at = excluded.seen_at`
  const see = `WITH ${moment('$1')} UPDATE ${table} SET seen_at = ms FROM moment WHERE owner = $2`
  const owners = `WITH ${moment('$1')}
    SELECT owner, bool_and(ms - seen_at > ${openLeaseMs}) AS "isSilent" FROM ${table}, moment
    WHERE owner <> $2 GROUP BY owner`
  const ofOwner = `SELECT id, body, hold_ids AS "holdIds" FROM ${table} WHERE owner = $1
    ORDER BY hold_ids, id`
  let polledAt = Number.NEGATIVE_INFINITY

  const record = async (one: string): Promise<void> => {
    const rows = await database.query<OpenRowText>(ofOwner, [one])
    if (rows.length > 0) await store(recordRows(rows))
  }

  return {
    async keep(rows, ended) {
      if (rows.length + ended.length === 0) {
        await database.query(see, [database.nowMs, owner])
        return
      }
      await database.query(keep, [
        database.nowMs,
        ended.map(plainText),
        owner,
        rows.map(({ id }) => plainText(id)),
        rows.map(({ body }) => body),
        rows.map(({ holdIds }) => JSON.stringify(holdIds.map(plainText))),
      ])
    },
    async takeOver(when = 'sometimes') {
      const at = performance.now()
      if (when === 'sometimes' && at - polledAt < pollMs) return
      polledAt = at
      const others = await database.query<OwnerRow>(owners, [database.nowMs, owner])
      for (const one of others) {
        if (isGone(one) ?? (one.isSilent || when === 'copied')) await record(one.owner)
      }
    },
    handOver: () => record(owner),
  }
}

/** A new owner. Machines have the same names, and process ids that mean the same, more often than files. */
function newOwner(): string {
  const { machine, pid, start } = thisProcess()
  return JSON.stringify([`${machine} ${boot()}`, pid, start, crypto.randomUUID()])
}

/** `undefined` for an owner of another machine. */
function isGone({ owner }: OwnerRow): boolean | undefined {
  const [place, pid, start] = JSON.parse(owner) as [string, number, string]
  const { machine } = thisProcess()
  if (place !== `${machine} ${boot()}`) return undefined
  const name: ProcessName = { machine, pid, start }
  return isProcessGone(name)
}

let knownBoot: string | undefined

/** Another one on each machine, and after each start of it; empty where Linux is not. */
function boot(): string {
  if (knownBoot === undefined) {
    try {
      const files = process.getBuiltinModule('node:fs')
      knownBoot = files.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    } catch {
      knownBoot = ''
    }
  }
  return knownBoot
}

/** Rows of one call have one list of holds: they are one append. */
function recordRows(rows: readonly OpenRowText[]): readonly RecordRow[] {
  const lists = new Map<string, readonly string[]>()
  return rows.map(({ id, body, holdIds }) => {
    const key = JSON.stringify(holdIds)
    const own = lists.get(key) ?? holdIds
    lists.set(key, own)
    return toRow(fromBody(body, null), { holdIds: own, ends: [id] })
  })
}
