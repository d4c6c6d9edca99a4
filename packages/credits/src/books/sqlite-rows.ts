import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { type Columns, toAccount, toEntry, toGrant, toHold, toPool } from './columns.ts'
import { SqliteObjects } from './sqlite-objects.ts'
import type {
  AccountKey,
  AccountRow,
  Allocation,
  BookRows,
  EntryRow,
  GrantRow,
  GrantState,
  HoldRow,
  NewEntry,
  PoolRow,
} from './rows.ts'

/** Promo before plan before what was put right before what was paid, as in `drawing.ts`. */
const drawingOrder = `priority, expires_at IS NULL, expires_at,
  CASE kind WHEN 'promo' THEN 0 WHEN 'plan' THEN 1 WHEN 'adjustment' THEN 2 ELSE 3 END, created_at, id`

/**
 * The books in a file. Statements are prepared when they are first used. Accounts and grants are
 * read once and written once in an operation, however often it asks for them and saves them: each
 * statement costs as much as all else that it does with a row.
 */
export class SqliteRows implements BookRows {
  readonly objects: SqliteObjects
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  readonly #accounts = new Map<number, AccountRow>()
  readonly #grants = new Map<number, GrantRow>()
  readonly #savedAccounts = new Set<AccountRow>()
  readonly #savedGrants = new Set<GrantRow>()

  constructor(database: DatabaseSync) {
    this.#database = database
    this.objects = new SqliteObjects(database)
  }

  end(): void {
    this.#writeGrants()
    for (const account of this.#savedAccounts) this.#writeAccount(account)
    this.undone()
  }

  /** The transaction was undone: nothing that was saved is written. */
  undone(): void {
    this.#savedAccounts.clear()
    this.#savedGrants.clear()
    this.#accounts.clear()
    this.#grants.clear()
  }

  account({ customer, unit, stripeAccount }: AccountKey): AccountRow | undefined {
    const sql = `SELECT * FROM credit_accounts WHERE customer = ? AND unit = ? AND stripe_account = ?`
    const found = this.#get(sql, customer, unit, stripeAccount)
    return found && this.#ownAccount(found)
  }

  accountById(id: number): AccountRow {
    const known = this.#accounts.get(id)
    if (known !== undefined) return known
    const found = this.#get('SELECT * FROM credit_accounts WHERE id = ?', id)
    return this.#ownAccount(found as Columns)
  }

  addAccount({ customer, unit, stripeAccount }: AccountKey, at: number): AccountRow {
    const sql = `INSERT INTO credit_accounts (customer, unit, stripe_account, created_at)
      VALUES (?, ?, ?, ?)
      RETURNING *`
    return this.#ownAccount(this.#get(sql, customer, unit, stripeAccount, at) as Columns)
  }

  accountsOf(customer: string): readonly AccountRow[] {
    const sql = 'SELECT * FROM credit_accounts WHERE customer = ? ORDER BY id'
    return this.#all(sql, customer).map((found) => this.#ownAccount(found))
  }

  saveAccount(account: AccountRow): void {
    this.#savedAccounts.add(account)
  }

  #writeAccount({ id, posted, held, debt, nextDueAt, blocked, lastEntry }: AccountRow): void {
    const sql = `UPDATE credit_accounts
      SET posted = ?, held = ?, debt = ?, next_due_at = ?, blocked = ?, last_entry = ? WHERE id = ?`
    this.#run(sql, posted, held, debt, nextDueAt, blocked, lastEntry, id)
  }

  addGrant(grant: Omit<GrantRow, 'id'>): GrantRow {
    const { account, amount, remaining, held, revoked, state, priority, kind } = grant
    const { effectiveAt, expiresAt, source, idempotencyKey, createdAt } = grant
    const sql = `INSERT INTO credit_grants (account, amount, remaining, held, revoked, state, priority,
        kind, effective_at, expires_at, source, idempotency_key, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *`
    const what = [account, amount, remaining, held, revoked, state, priority, kind] as const
    const found = this.#get(sql, ...what, effectiveAt, expiresAt, source, idempotencyKey, createdAt)
    return this.#ownGrant(found as Columns)
  }

  grant(id: number): GrantRow {
    const known = this.#grants.get(id)
    if (known !== undefined) return known
    return this.#ownGrant(this.#get('SELECT * FROM credit_grants WHERE id = ?', id) as Columns)
  }

  grantByKey(account: number, idempotencyKey: string): GrantRow | undefined {
    const sql = 'SELECT * FROM credit_grants WHERE account = ? AND idempotency_key = ?'
    const found = this.#get(sql, account, idempotencyKey)
    return found && this.#ownGrant(found)
  }

  grantsOfSource(account: number, source: string): readonly GrantRow[] {
    const sql = `SELECT * FROM credit_grants WHERE account = ? AND source = ? ORDER BY ${drawingOrder}`
    return this.#all(sql, account, source).map((found) => this.#ownGrant(found))
  }

  grants(account: number, state: GrantState): readonly GrantRow[] {
    this.#writeGrants()
    // The state stands in the text, for the partial index to be used.
    const sql = `SELECT * FROM credit_grants WHERE account = ? AND state = '${state}'
      ORDER BY ${drawingOrder}`
    return this.#all(sql, account).map((found) => this.#ownGrant(found))
  }

  saveGrant(grant: GrantRow): void {
    this.#savedGrants.add(grant)
  }

  #writeGrants(): void {
    for (const grant of this.#savedGrants) this.#writeGrant(grant)
    this.#savedGrants.clear()
  }

  #writeGrant({ id, remaining, held, revoked, state }: GrantRow): void {
    // A state that is set is written to its index too, whether it changes or not.
    const sql = `UPDATE credit_grants SET remaining = ?, held = ?, revoked = ? WHERE id = ? AND state = ?`
    if (this.#run(sql, remaining, held, revoked, id, state) > 0) return
    const all = `UPDATE credit_grants SET remaining = ?, held = ?, revoked = ?, state = ? WHERE id = ?`
    this.#run(all, remaining, held, revoked, state, id)
  }

  hold(id: string): HoldRow | undefined {
    const found = this.#get('SELECT * FROM credit_holds WHERE id = ?', id)
    return found && toHold(found)
  }

  addHold(hold: HoldRow): void {
    const sql = `INSERT INTO credit_holds
        (id, account, amount, floor, allocation, pools, state, lease_until, job, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const { id, account, amount, floor, allocation, pools, state, leaseUntil, job, createdAt } =
      hold
    const of = [parts(allocation), pools.length === 0 ? '[]' : JSON.stringify(pools)] as const
    this.#run(sql, id, account, amount, floor, ...of, state, leaseUntil, job, createdAt)
  }

  saveHold({ id, amount, allocation, state, leaseUntil, job }: HoldRow): void {
    const sql = `UPDATE credit_holds
      SET amount = ?, allocation = ?, state = ?, lease_until = ?, job = ? WHERE id = ?`
    this.#run(sql, amount, parts(allocation), state, leaseUntil, job, id)
  }

  holdsOfJob(job: string): readonly HoldRow[] {
    return this.#all('SELECT * FROM credit_holds WHERE job = ? ORDER BY id', job).map(toHold)
  }

  endedLeases(now: number, limit: number): readonly HoldRow[] {
    const sql = `SELECT * FROM credit_holds WHERE state = 'open' AND lease_until <= ?
      ORDER BY lease_until, id LIMIT ?`
    return this.#all(sql, now, limit).map(toHold)
  }

  pool(pool: string, period: string): PoolRow | undefined {
    const found = this.#get(
      'SELECT * FROM credit_pools WHERE pool = ? AND period = ?',
      pool,
      period,
    )
    return found && toPool(found)
  }

  lastPool(pool: string): PoolRow | undefined {
    const sql = 'SELECT * FROM credit_pools WHERE pool = ? ORDER BY id DESC LIMIT 1'
    const found = this.#get(sql, pool)
    return found && toPool(found)
  }

  addPool({ pool, period, limit, carried, spent, held }: PoolRow): PoolRow {
    const sql = `INSERT INTO credit_pools (pool, period, "limit", carried, spent, held)
      VALUES (?, ?, ?, ?, ?, ?) RETURNING *`
    return toPool(this.#get(sql, pool, period, limit, carried, spent, held) as Columns)
  }

  savePool({ pool, period, limit, spent, held }: PoolRow): void {
    const sql = `UPDATE credit_pools SET "limit" = ?, spent = ?, held = ? WHERE pool = ? AND period = ?`
    this.#run(sql, limit, spent, held, pool, period)
  }

  addEntry(account: AccountRow, entry: NewEntry): void {
    const { grant, kind, amount, key, actor, at } = entry
    const { hold = null, record = null, ref = null } = entry
    account.lastEntry++
    const sql = `INSERT INTO credit_entries
        (account, id, grant_id, kind, amount, key, hold, record, ref, actor, at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const of = [account.id, account.lastEntry] as const
    this.#run(sql, ...of, grant, kind, amount, key, hold, record, ref, actor, at)
  }

  entries(account: number, limit: number, before: number | null): readonly EntryRow[] {
    const sql = `SELECT * FROM credit_entries WHERE account = ? AND id < ? ORDER BY id DESC LIMIT ?`
    return this.#all(sql, account, before ?? Number.MAX_SAFE_INTEGER, limit).map(toEntry)
  }

  hasEntry(account: number, key: string): boolean {
    const sql = 'SELECT 1 FROM credit_entries WHERE account = ? AND key = ?'
    return this.#get(sql, account, key) !== undefined
  }

  entriesOf(account: number, key: string): readonly EntryRow[] {
    const sql = 'SELECT * FROM credit_entries WHERE account = ? AND key = ?'
    const found: EntryRow[] = []
    for (let count = 0; ; count++) {
      const entry = this.#get(sql, account, count === 0 ? key : `${key}:${count}`)
      if (entry === undefined) return found
      found.push(toEntry(entry))
    }
  }

  entriesOfGrant({ id, account }: GrantRow): readonly EntryRow[] {
    const sql = `SELECT * FROM credit_entries
      WHERE account = ? AND grant_id = ? AND kind <> 'usage' ORDER BY id`
    return this.#all(sql, account, id).map(toEntry)
  }

  /** Everything, for who checks the books. */
  all() {
    const of = (table: string, order = 'id') =>
      this.#all(`SELECT * FROM ${table} ORDER BY ${order}`)
    return {
      accounts: of('credit_accounts').map(toAccount),
      pools: of('credit_pools').map(toPool),
      grants: of('credit_grants').map(toGrant),
      holds: this.#all('SELECT * FROM credit_holds ORDER BY created_at, id').map(toHold),
      entries: of('credit_entries', 'account, id').map(toEntry),
    }
  }

  #ownAccount(found: Columns): AccountRow {
    const account = toAccount(found)
    const known = this.#accounts.get(account.id)
    if (known !== undefined) return known
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

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#database.prepare(sql)
      // Amounts are larger than a number is exact.
      statement.setReadBigInts(true)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #get(sql: string, ...values: SQLInputValue[]): Columns | undefined {
    return this.#prepared(sql).get(...values) as Columns | undefined
  }

  #all(sql: string, ...values: SQLInputValue[]): readonly Columns[] {
    return this.#prepared(sql).all(...values) as unknown as readonly Columns[]
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes)
  }
}

function parts(allocation: readonly Allocation[]): string {
  return JSON.stringify(allocation.map(([grant, part]) => [grant, part.toString()]))
}
