/**
 * The books of credits in a store: the rows of one transaction, in which everything is done. What
 * happened in it is told once it is over.
 */
import type {
  AskSql,
  AttachedCompanion,
  Companion,
  CompanionStore,
  Outbox,
  SqlCompanionStore,
} from '@token-meter/core/outbox'
import { ConfigError } from '@token-meter/core/outbox'
import type { DatabaseSync } from 'node:sqlite'
import { availableOf, leftOf } from './balance.ts'
import { MemoryRows } from './memory-rows.ts'
import type { AccountPlans, AccountRow, BookRows, NewEntry, PoolRow } from './rows.ts'
import type { Hint } from './loaded-rows.ts'
import { runOnPostgres } from './postgres-rows.ts'
import { creditMigrations, creditVersion } from './postgres-schema.ts'
import { SqliteRows } from './sqlite-rows.ts'
import { prepareCreditSchema } from './sqlite-schema.ts'

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

/** Work inside a transaction. */
export type Work<Value> = (rows: BookRows) => Value

export interface Books {
  /**
   * A write that is made at once; not there in a database that is asked over a connection.
   * @throws an error with `busy: true` where another process has the store.
   */
  writeNow?<Value>(work: Work<Value>): Value
  /**
   * One write, all or nothing.
   * @param hint what it is about, which a database loads at once.
   * @param busyMs how long it tries again while another process has the store.
   */
  write<Value>(work: Work<Value>, hint?: Hint, busyMs?: number): Promise<Value>
  read<Value>(work: Work<Value>): Promise<Value>
  /** The rows themselves, where they are a process's own. */
  readonly memory?: MemoryRows
}

export interface BooksOptions {
  /** How long a write tries again while another process has the store, in ms. */
  readonly busyMs: number
  /** What records that are appended cost, inside the transaction that keeps them. */
  readonly appended: (rows: BookRows, ...parameters: Parameters<Companion['appended']>) => void
  readonly changed: (changes: readonly Change[], pools: readonly PoolChange[]) => void
  /** Whether anybody wants to know what changed. */
  readonly isHeard: () => boolean
  readonly plans: AccountPlans
}

/** @throws ConfigError for an outbox that keeps no books. */
export function openBooks(outbox: Outbox, options: BooksOptions): Books {
  const { store } = outbox
  const partOf = (rows: BookRows): Part => {
    rows.plans = options.plans
    const journal = new Journal(rows)
    return {
      journal,
      appended: (records) => journaled(journal, options, (own) => options.appended(own, records)),
    }
  }
  switch (store?.kind) {
    case 'memory': {
      const memory = new MemoryRows()
      const part = (store as CompanionStore<void>).attach(() => partOf(memory))
      return { ...attached(part, options), memory }
    }
    case 'sqlite': {
      const prepare = (database: DatabaseSync) => {
        prepareCreditSchema(database)
        return partOf(new SqliteRows(database))
      }
      return attached((store as CompanionStore<DatabaseSync>).attach(prepare), options)
    }
    case 'postgres':
      return inPostgres(store as SqlCompanionStore, options)
    default:
      throw new ConfigError(
        `createCredits: no books can be kept in the outbox "${outbox.description}". Pass the outbox ` +
          'that createMeter() has: sqliteOutbox(path), or memoryOutbox() for tests',
      )
  }
}

/** Each operation is a transaction of its own, which loads what it needs and writes what it changed. */
function inPostgres(store: SqlCompanionStore, options: BooksOptions): Books {
  const { appended, changed, isHeard, plans } = options
  const run = async <Value>(ask: AskSql, schema: string, work: Work<Value>, hint: Hint) => {
    let changes: Changes = { accounts: [], pools: [] }
    const attempt = (rows: BookRows) => {
      rows.plans = plans
      if (!isHeard()) return work(rows)
      const journal = new Journal(rows)
      const value = work(journal.rows)
      changes = journal.take()
      return value
    }
    const value = await runOnPostgres(ask, schema, attempt, hint)
    return { value, committed: () => tell(changes, changed) }
  }
  const database = store.attach({
    name: 'credits',
    version: creditVersion,
    migrations: creditMigrations,
    async appended(ask, schema, appends) {
      const records = appends.flatMap((append) => append.records)
      const hint = {
        customers: [...new Set(records.flatMap(({ customer }) => customer ?? []))],
        holds: appends.flatMap(({ holdIds }) => holdIds),
        keys: records.map(({ id }) => `usage:${id}`),
      }
      const { committed } = await run(ask, schema, (rows) => appended(rows, appends), hint)
      return committed
    },
  })
  const write = async <Value>(work: Work<Value>, hint: Hint = {}): Promise<Value> => {
    const { value, committed } = await database.transaction((ask, schema) =>
      run(ask, schema, work, hint),
    )
    committed()
    return value
  }
  return { write, read: write }
}

interface Part extends Companion {
  readonly journal: Journal
}

function attached(store: AttachedCompanion<Part>, options: BooksOptions): Books {
  const writeNow = <Value>(work: Work<Value>): Value =>
    store.write(({ journal }) => journaled(journal, options, work))
  return {
    writeNow,
    read: async (work) => store.read(({ journal }) => ended(journal.plain, work)),
    async write(work, _, patienceMs = options.busyMs) {
      const until = performance.now() + patienceMs
      for (;;) {
        try {
          return writeNow(work)
        } catch (error) {
          if (!isBusy(error) || performance.now() >= until) throw error
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      }
    },
  }
}

/** Another process has the store, for longer than the outbox waits at a time. */
export function isBusy(error: unknown): boolean {
  return (error as { busy?: unknown } | null)?.busy === true
}

function ended<Value>(rows: BookRows, work: Work<Value>): Value {
  try {
    const value = work(rows)
    rows.end()
    return value
  } catch (error) {
    rows.undone?.()
    throw error
  }
}

/**
 * Does work inside a transaction that is synchronous, and tells what it did when that is over.
 * @throws what the work throws, which is told to nobody.
 */
function journaled<Value>(
  journal: Journal,
  { changed, isHeard }: BooksOptions,
  work: Work<Value>,
): Value {
  if (!isHeard()) return ended(journal.plain, work)
  journal.take()
  let changes: Changes = { accounts: [], pools: [] }
  const value = ended(journal.plain, () => {
    const value = work(journal.rows)
    changes = journal.take()
    return value
  })
  if (changes.accounts.length > 0) queueMicrotask(() => tell(changes, changed))
  return value
}

function tell({ accounts, pools }: Changes, changed: BooksOptions['changed']): void {
  if (accounts.length > 0) changed(accounts, pools)
}

interface Changes {
  readonly accounts: readonly Change[]
  readonly pools: readonly PoolChange[]
}

const noGrant = { id: 0, amount: 0n }

/** Rows that remember what was done to them since it was asked last. */
class Journal {
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
    const { objects, plans } = rows
    this.rows = {
      ...boundMethods(rows),
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
