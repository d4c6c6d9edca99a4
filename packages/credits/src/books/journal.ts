/** What an operation did, remembered for who listens. */
import { availableOf, leftOf } from './balance.ts'
import type { AccountRow, BookRows, NewEntry, PoolRow } from './rows.ts'

/** What an operation did to the accounts it touched. */
export interface Change {
  readonly account: AccountRow
  /** What could be held after the operation. */
  readonly available: bigint
  /** That, and what calls under way have set aside. */
  readonly left: bigint
  /** How much was granted last, of what is active; 0 where nothing is. */
  readonly lastGrant: bigint
  /** As it was before the operation. */
  readonly before: { readonly left: bigint; readonly debt: bigint }
  readonly entries: readonly NewEntry[]
}

/** What was spent of a pool, before an operation and after it. */
export interface PoolChange {
  readonly pool: PoolRow
  readonly spentBefore: bigint
}

export interface Changes {
  readonly accounts: readonly Change[]
  readonly pools: readonly PoolChange[]
}

const noGrant = { id: 0, amount: 0n }

/** Rows that remember what was done to them since it was asked last. */
export class Journal {
  readonly rows: BookRows
  /** The same rows, which remember nothing. */
  readonly plain: BookRows
  readonly #touched = new Map<
    number,
    Omit<Change, 'available' | 'left' | 'lastGrant'> & { readonly entries: NewEntry[] }
  >()
  /** By name: a pool that was read, and what was saved of it. */
  readonly #spent = new Map<string, bigint>()
  readonly #pools = new Map<string, PoolChange>()

  constructor(rows: BookRows) {
    this.plain = rows
    const seen = <Row extends AccountRow | undefined>(account: Row): Row => {
      if (account !== undefined && !this.#touched.has(account.id)) {
        const before = { left: leftOf(rows, account), debt: account.debt }
        this.#touched.set(account.id, { account, before, entries: [] })
      }
      return account
    }
    const { leases, objects, plans } = rows
    this.rows = {
      ...boundMethods(rows),
      leases,
      objects,
      ...(plans !== undefined && { plans }),
      account: (key) => seen(rows.account(key)),
      accountById: (id) => seen(rows.accountById(id)),
      addAccount: (key, at) => seen(rows.addAccount(key, at)),
      accountsOf: (customer) => rows.accountsOf(customer).map((account) => seen(account)),
      dueAccounts: (now, limit) => rows.dueAccounts(now, limit).map((account) => seen(account)),
      pool: (pool, period) => {
        const row = rows.pool(pool, period)
        const name = `${pool} ${period}`
        if (row !== undefined && !this.#spent.has(name)) this.#spent.set(name, row.spent)
        return row
      },
      savePool: (pool) => {
        rows.savePool(pool)
        const name = `${pool.pool} ${pool.period}`
        this.#pools.set(name, { pool, spentBefore: this.#spent.get(name) ?? 0n })
      },
      addEntry: (account, entry) => {
        rows.addEntry(account, entry)
        this.#touched.get(account.id)?.entries.push(entry)
      },
    }
  }

  take(): Changes {
    const accounts = [...this.#touched.values()].map((touched) => ({
      ...touched,
      available: availableOf(this.plain, touched.account),
      left: leftOf(this.plain, touched.account),
      lastGrant: this.plain
        .grants(touched.account.id, 'active')
        .reduce((last, { id, amount }) => (id > last.id ? { id, amount } : last), noGrant).amount,
    }))
    const changes = { accounts, pools: [...this.#pools.values()] }
    this.#touched.clear()
    this.#spent.clear()
    this.#pools.clear()
    return changes
  }
}

function boundMethods(rows: BookRows): BookRows {
  const methods: [string, unknown][] = []
  for (let of: object = rows; of !== Object.prototype; of = Object.getPrototypeOf(of) as object) {
    for (const name of Object.getOwnPropertyNames(of)) {
      const method = rows[name as keyof BookRows] as unknown
      if (typeof method === 'function') methods.unshift([name, method.bind(rows)])
    }
  }
  return Object.fromEntries(methods) as unknown as BookRows
}
