import type { DatabaseSync } from 'node:sqlite'
import { type Columns, toEndedHold, toEntry, toHold } from './columns.ts'
import type { Allocation, EndedHold, HoldRow, LeaseRows, PoolPeriod } from './rows.ts'
import { SqliteObjects } from './sqlite-objects.ts'
import { SqliteStatements } from './sqlite-statements.ts'

/** The holds in a file: read and written at once, since an operation does either once. */
export class SqliteHoldRows {
  readonly objects: SqliteObjects
  readonly leases: LeaseRows = {
    of: (hold) => {
      const sql = `SELECT * FROM credit_entries
        WHERE hold = ? AND kind = 'lease' AND key = 'lease:' || hold`
      const found = this.sql.get(sql, hold)
      return found && toEntry(found)
    },
    ofJob: (job) => {
      const sql = `SELECT * FROM credit_entries
        WHERE ref = ? AND kind = 'lease' AND key = 'lease:' || hold ORDER BY hold`
      return this.sql.all(sql, job).map(toEntry)
    },
  }
  protected readonly sql: SqliteStatements
  /** Those that this operation has read: each is one object. */
  protected readonly holds = new Map<string, HoldRow>()

  constructor(database: DatabaseSync) {
    this.sql = new SqliteStatements(database)
    this.objects = new SqliteObjects(database)
  }

  hold(id: string): HoldRow | undefined {
    const known = this.holds.get(id)
    if (known !== undefined) return known
    const found = this.sql.get('SELECT * FROM credit_holds WHERE id = ?', id)
    return found && this.#own(found)
  }

  #own(found: Columns): HoldRow {
    const known = this.holds.get(found['id'] as string)
    if (known !== undefined) return known
    const hold = toHold(found)
    this.holds.set(hold.id, hold)
    return hold
  }

  holdsOfJob(job: string): readonly HoldRow[] {
    return this.sql
      .all('SELECT * FROM credit_holds WHERE job = ? ORDER BY id', job)
      .map((found) => this.#own(found))
  }

  addHold(hold: HoldRow): void {
    const sql = `INSERT INTO credit_holds (id, account, amount, floor, allocation, pools, named, job,
        lease_until, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const { id, account, amount, floor, allocation, pools, isNamed, job } = hold
    const of = [parts(allocation), poolText(pools), Number(isNamed), job] as const
    this.sql.run(sql, id, account, amount, floor, ...of, hold.leaseUntil, hold.createdAt)
  }

  saveHold({ id, amount, allocation, job, leaseUntil }: HoldRow): void {
    const sql = `UPDATE credit_holds SET amount = ?, allocation = ?, job = ?, lease_until = ?
      WHERE id = ?`
    this.sql.run(sql, amount, parts(allocation), job, leaseUntil, id)
  }

  endHold({ id, account, amount, isNamed }: HoldRow): void {
    this.sql.run('DELETE FROM credit_holds WHERE id = ?', id)
    this.holds.delete(id)
    if (!isNamed) return
    const sql = 'INSERT INTO credit_ended_holds (id, account, amount) VALUES (?, ?, ?)'
    this.sql.run(sql, id, account, amount)
  }

  endedHold(id: string): EndedHold | undefined {
    const found = this.sql.get('SELECT * FROM credit_ended_holds WHERE id = ?', id)
    return found && toEndedHold(found)
  }

  renewHolds(ids: readonly string[], leaseUntil: number): readonly string[] {
    const sql = `UPDATE credit_holds SET lease_until = max(lease_until, ?)
      WHERE id IN (SELECT value FROM json_each(?)) RETURNING id`
    const renewed = this.sql.all(sql, leaseUntil, JSON.stringify(ids)).map((found) => found['id'])
    const open = new Set(renewed)
    // What was read of them before is not so any more.
    this.holds.clear()
    return ids.filter((id) => open.has(id))
  }

  endedLeases(now: number, limit: number, account?: number): readonly HoldRow[] {
    const of = account === undefined ? '' : 'AND account = ?'
    const sql = `SELECT * FROM credit_holds WHERE lease_until <= ? ${of}
      ORDER BY lease_until, id LIMIT ?`
    return this.sql
      .all(sql, now, ...(account === undefined ? [] : [account]), limit)
      .map((found) => this.#own(found))
  }
}

function parts(allocation: readonly Allocation[]): string {
  return JSON.stringify(allocation.map(([grant, part]) => [grant, part.toString()]))
}

export function poolText(pools: readonly PoolPeriod[]): string | null {
  return pools.length === 0 ? null : JSON.stringify(pools)
}
