import {
  type Columns,
  toAccount,
  toEndedHold,
  toEntry,
  toGrant,
  toHold,
  toPool,
} from './columns.ts'
import { drawnBefore } from './drawing.ts'
import { poolName } from './loaded-rows.ts'
import { poolText, SqliteHoldRows } from './sqlite-hold-rows.ts'
import type {
  AccountKey,
  AccountPlans,
  AccountRow,
  BookRows,
  EntryRow,
  GrantRow,
  GrantState,
  NewEntry,
  PoolRow,
} from './rows.ts'

/** The newest entry is found in its index: an account's row would be written for it otherwise. */
const accountColumns = `*, (SELECT max(id) FROM credit_entries
  WHERE credit_entries.account = credit_accounts.id) AS last_entry`

/**
 * The books in a file. Rows are read once and written once in an operation, however often it asks for them and saves them: each statement costs
 * as much as all else that it does with a row.
 */
export class SqliteRows extends SqliteHoldRows implements BookRows {
  plans?: AccountPlans
  readonly #accounts = new Map<number, AccountRow>()
  readonly #grants = new Map<number, GrantRow>()
  /** By account: its grants that are scheduled or active, when they were read. */
  readonly #inUse = new Map<number, GrantRow[]>()
  readonly #pools = new Map<string, PoolRow>()
  readonly #saved = new Map<object, () => void>()

  /** When the first account was made that was seen by now. */
  seenSince = Infinity

  /** When the first account was made; `Infinity` where there is none. */
  begunAt(): number {
    const sql = 'SELECT created_at FROM credit_accounts ORDER BY id LIMIT 1'
    return Number(this.sql.get(sql)?.['created_at'] ?? Infinity)
  }

  end(): void {
    for (const write of this.#saved.values()) write()
    this.undone()
  }

  /** The transaction was undone: nothing that was saved is written. */
  undone(): void {
    this.#saved.clear()
    this.#accounts.clear()
    this.#grants.clear()
    this.#inUse.clear()
    this.#pools.clear()
    this.holds.clear()
  }

  account({ customer, unit, stripeAccount }: AccountKey): AccountRow | undefined {
    const sql = `SELECT ${accountColumns} FROM credit_accounts
      WHERE customer = ? AND unit = ? AND stripe_account = ?`
    const found = this.sql.get(sql, customer, unit, stripeAccount)
    return found && this.#ownAccount(found)
  }

  accountById(id: number): AccountRow {
    const known = this.#accounts.get(id)
    if (known !== undefined) return known
    const found = this.sql.get(`SELECT ${accountColumns} FROM credit_accounts WHERE id = ?`, id)
    return this.#ownAccount(found as Columns)
  }

  addAccount({ customer, unit, stripeAccount }: AccountKey, at: number): AccountRow {
    const sql = `INSERT INTO credit_accounts (customer, unit, stripe_account, created_at)
      VALUES (?, ?, ?, ?)
      RETURNING *`
    return this.#ownAccount(this.sql.get(sql, customer, unit, stripeAccount, at) as Columns)
  }

  accountsOf(customer: string): readonly AccountRow[] {
    const sql = `SELECT ${accountColumns} FROM credit_accounts WHERE customer = ? ORDER BY id`
    return this.sql.all(sql, customer).map((found) => this.#ownAccount(found))
  }

  saveAccount(account: AccountRow): void {
    this.#saved.set(account, () => {
      const { id, debt, nextDueAt, blocked, collect } = account
      const sql = `UPDATE credit_accounts SET debt = ?, next_due_at = ?, blocked = ?, collect = ?
        WHERE id = ?`
      this.sql.run(sql, debt, nextDueAt, blocked, collect, id)
    })
  }

  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow {
    const { account, amount, remaining, held, revoked, state, priority, kind } = grant
    const { effectiveAt, expiresAt, source, idempotencyKey, createdAt } = grant
    const sql = `INSERT INTO credit_grants (account, amount, remaining, held, revoked, state, priority,
        kind, effective_at, expires_at, source, idempotency_key, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`
    const what = [account, amount, remaining, held, revoked, state, priority, kind] as const
    const terms = [effectiveAt, expiresAt, source, idempotencyKey, createdAt] as const
    const found = this.sql.get(sql, ...what, ...terms)
    const made = this.#ownGrant(found as Columns)
    this.#inUse.get(account)?.push(made)
    return made
  }

  grant(id: number): GrantRow {
    const known = this.#grants.get(id)
    if (known !== undefined) return known
    return this.#ownGrant(this.sql.get('SELECT * FROM credit_grants WHERE id = ?', id) as Columns)
  }

  grantByKey(account: number, idempotencyKey: string): GrantRow | undefined {
    const sql = 'SELECT * FROM credit_grants WHERE account = ? AND idempotency_key = ?'
    const found = this.sql.get(sql, account, idempotencyKey)
    return found && this.#ownGrant(found)
  }

  grantsOfSource(account: number, source: string): readonly GrantRow[] {
    const sql = 'SELECT * FROM credit_grants WHERE account = ? AND source = ?'
    const found = this.sql.all(sql, account, source).map((row) => this.#ownGrant(row))
    return found.toSorted(drawnBefore)
  }

  grants(account: number, state: GrantState): readonly GrantRow[] {
    let inUse = this.#inUse.get(account)
    if (inUse === undefined) {
      // The states stand in the text, for the partial index to be used.
      const sql = `SELECT * FROM credit_grants
        WHERE account = ? AND state IN ('scheduled', 'active')`
      inUse = this.sql.all(sql, account).map((found) => this.#ownGrant(found))
      // One that this operation has given before it asked is there already.
      this.#inUse.set(account, inUse)
    }
    return inUse.filter((grant) => grant.state === state).toSorted(drawnBefore)
  }

  expiredHeld(account: number): readonly GrantRow[] {
    const sql = `SELECT * FROM credit_grants WHERE account = ? AND held > 0`
    for (const found of this.sql.all(sql, account)) this.#ownGrant(found)
    return [...this.#grants.values()].filter(
      (grant) => grant.account === account && grant.state === 'expired' && grant.held > 0n,
    )
  }

  saveGrant(grant: GrantRow): void {
    this.#saved.set(grant, () => this.#writeGrant(grant))
  }

  #writeGrant({ id, remaining, held, revoked, state }: GrantRow): void {
    // A state that is set is written to its index too, whether it changes or not.
    const sql = `UPDATE credit_grants SET remaining = ?, held = ?, revoked = ? WHERE id = ? AND state = ?`
    if (this.sql.run(sql, remaining, held, revoked, id, state) > 0) return
    const all = `UPDATE credit_grants SET remaining = ?, held = ?, revoked = ?, state = ? WHERE id = ?`
    this.sql.run(all, remaining, held, revoked, state, id)
  }

  dueAccounts(now: number, limit: number): readonly AccountRow[] {
    const sql = `SELECT ${accountColumns} FROM credit_accounts WHERE next_due_at <= ?
      ORDER BY next_due_at, id LIMIT ?`
    return this.sql.all(sql, now, limit).map((found) => this.#ownAccount(found))
  }

  nextSweepAt(): number | null {
    // An account that this operation has seen to is looked at once more, when nothing is found.
    const sql = `SELECT min(at) AS at FROM (
      SELECT min(lease_until) AS at FROM credit_holds
      UNION ALL SELECT min(next_due_at) FROM credit_accounts WHERE next_due_at IS NOT NULL)`
    return this.sql.get(sql)?.['at'] as number | null
  }

  pool(pool: string, period: string): PoolRow | undefined {
    const known = this.#pools.get(poolName(pool, period))
    if (known !== undefined) return known
    const sql = 'SELECT * FROM credit_pools WHERE pool = ? AND period = ?'
    const found = this.sql.get(sql, pool, period)
    return found && this.#ownPool(found)
  }

  lastPool(pool: string): PoolRow | undefined {
    const sql = 'SELECT * FROM credit_pools WHERE pool = ? ORDER BY id DESC LIMIT 1'
    const found = this.sql.get(sql, pool)
    return found && this.#ownPool(found)
  }

  addPool({ pool, period, limit, carried, spent, held }: PoolRow): PoolRow {
    const sql = `INSERT INTO credit_pools (pool, period, "limit", carried, spent, held)
      VALUES (?, ?, ?, ?, ?, ?) RETURNING *`
    return this.#ownPool(this.sql.get(sql, pool, period, limit, carried, spent, held) as Columns)
  }

  savePool(row: PoolRow): void {
    this.#saved.set(row, () => {
      const { pool, period, limit, spent, held } = row
      const sql = `UPDATE credit_pools SET "limit" = ?, spent = ?, held = ?
        WHERE pool = ? AND period = ?`
      this.sql.run(sql, limit, spent, held, pool, period)
    })
  }

  addEntry(account: AccountRow, entry: NewEntry): void {
    const { grant, kind, amount, key, actor, at } = entry
    const { hold = null, record = null, pools = null, ref = null } = entry
    account.lastEntry++
    const sql = `INSERT INTO credit_entries
        (account, id, grant_id, kind, amount, key, hold, record, pools, ref, actor, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const of = [account.id, account.lastEntry, grant, kind, amount, key] as const
    this.sql.run(sql, ...of, hold, record, poolText(pools ?? []), ref, actor, at)
  }

  entries(account: number, limit: number, before: number | null): readonly EntryRow[] {
    const sql = `SELECT * FROM credit_entries WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?`
    return this.sql.all(sql, account, before ?? Number.MAX_SAFE_INTEGER, limit).map(toEntry)
  }

  hasEntry(account: number, key: string): boolean {
    const sql = 'SELECT 1 FROM credit_entries WHERE account = ? AND key = ?'
    return this.sql.get(sql, account, key) !== undefined
  }

  entriesOf(account: number, key: string): readonly EntryRow[] {
    const sql = 'SELECT * FROM credit_entries WHERE account = ? AND key = ?'
    const found: EntryRow[] = []
    for (let count = 0; ; count++) {
      const entry = this.sql.get(sql, account, count === 0 ? key : `${key}:${count}`)
      if (entry === undefined) return found
      found.push(toEntry(entry))
    }
  }

  entriesOfGrant({ id, account }: GrantRow): readonly EntryRow[] {
    const sql = `SELECT * FROM credit_entries
      WHERE account = ? AND grant_id = ? AND kind <> 'usage' ORDER BY id`
    return this.sql.all(sql, account, id).map(toEntry)
  }

  /** Everything, with entries as their sums. */
  sums() {
    const sql = `SELECT account, grant_id, pools, sum(amount) AS amount, max(id) AS id,
        max(kind) AS kind, max(key) AS key, NULL AS hold, NULL AS record, NULL AS ref,
        max(actor) AS actor, max(at) AS at
      FROM credit_entries GROUP BY account, grant_id, pools ORDER BY account, id`
    return { ...this.#but(), entries: this.sql.all(sql).map(toEntry) }
  }

  /** Everything, for who checks the books. */
  all() {
    const entries = this.sql.all('SELECT * FROM credit_entries ORDER BY account, id').map(toEntry)
    return { ...this.#but(), entries }
  }

  #but() {
    const of = (table: string, order = 'id') =>
      this.sql.all(`SELECT * FROM ${table} ORDER BY ${order}`)
    return {
      accounts: this.sql
        .all(`SELECT ${accountColumns} FROM credit_accounts ORDER BY id`)
        .map(toAccount),
      pools: of('credit_pools').map(toPool),
      grants: of('credit_grants').map(toGrant),
      holds: this.sql.all('SELECT * FROM credit_holds ORDER BY created_at, id').map(toHold),
      endedHolds: of('credit_ended_holds').map(toEndedHold),
    }
  }

  #ownAccount(found: Columns): AccountRow {
    const account = toAccount(found)
    const known = this.#accounts.get(account.id)
    if (known !== undefined) return known
    this.seenSince = Math.min(this.seenSince, account.createdAt)
    this.#accounts.set(account.id, account)
    return account
  }

  #ownGrant(found: Columns): GrantRow {
    const grant = toGrant(found)
    const known = this.#grants.get(grant.id)
    if (known !== undefined) return known
    this.#grants.set(grant.id, grant)
    return grant
  }

  #ownPool(found: Columns): PoolRow {
    const pool = toPool(found)
    const name = poolName(pool.pool, pool.period)
    const known = this.#pools.get(name)
    if (known !== undefined) return known
    this.#pools.set(name, pool)
    return pool
  }
}
