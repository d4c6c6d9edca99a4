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
import { MemoryRows } from './memory-rows.ts'
import type { AccountPlans, AccountRow, BookRows, NewEntry, PoolRow } from './rows.ts'
import { type Hint, runOnPostgres } from './postgres-rows.ts'
import { creditMigrations, creditVersion } from './postgres-schema.ts'
import { SqliteRows } from './sqlite-rows.ts'
import { prepareCreditSchema } from './sqlite-schema.ts'

/** What an operation did to the accounts it touched. */
export interface Change {
  readonly account: AccountRow
  /** As it was before the operation. */
  readonly before: Pick<AccountRow, 'posted' | 'held' | 'debt'>
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
}

export interface BooksOptions {
  /** How long a write tries again while another process has the store, in ms. */
  readonly busyMs: number
  /** What records that are appended cost, inside the transaction that keeps them. */
  readonly appended: (rows: BookRows, ...parameters: Parameters<Companion['appended']>) => void
  readonly changed: (changes: readonly Change[], pools: readonly PoolChange[]) => void
  readonly plans: AccountPlans
}

/** @throws ConfigError for an outbox that keeps no books. */
export function openBooks(outbox: Outbox, options: BooksOptions): Books {
  const { store } = outbox
  const { appended, changed, plans } = options
  const partOf = (rows: BookRows): Part => {
    const journal = new Journal(rows, plans)
    return {
      journal,
      appended: (records) => journaled(journal, changed, (own) => appended(own, records)),
    }
  }
  switch (store?.kind) {
    case 'memory':
      return attached(
        (store as CompanionStore<void>).attach(() => partOf(new MemoryRows())),
        options,
      )
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
function inPostgres(store: SqlCompanionStore, { appended, changed, plans }: BooksOptions): Books {
  const run = async <Value>(ask: AskSql, schema: string, work: Work<Value>, hint: Hint) => {
    let changes: Changes = { accounts: [], pools: [] }
    const attempt = (rows: BookRows) => {
      const journal = new Journal(rows, plans)
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

function attached(store: AttachedCompanion<Part>, { busyMs, changed }: BooksOptions): Books {
  const writeNow = <Value>(work: Work<Value>): Value =>
    store.write(({ journal }) => journaled(journal, changed, work))
  return {
    writeNow,
    read: async (work) => store.read(({ journal }) => ended(journal.rows, work)),
    async write(work, _, patienceMs = busyMs) {
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
  changed: BooksOptions['changed'],
  work: Work<Value>,
): Value {
  journal.take()
  const value = ended(journal.rows, work)
  const changes = journal.take()
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

/** Rows that remember what was done to them since it was asked last. */
class Journal {
  readonly rows: BookRows
  readonly #touched = new Map<
    number,
    {
      readonly account: AccountRow
      readonly before: Change['before']
      readonly entries: NewEntry[]
    }
  >()
  /** By name: a pool that was read, and what was saved of it. */
  readonly #spent = new Map<string, bigint>()
  readonly #pools = new Map<string, PoolChange>()

  constructor(rows: BookRows, plans: AccountPlans) {
    const seen = <Row extends AccountRow | undefined>(account: Row): Row => {
      if (account !== undefined) {
        const { id, posted, held, debt } = account
        const { before = { posted, held, debt }, entries = [] } = this.#touched.get(id) ?? {}
        // What was read of it last: in a file each reading is an object of its own.
        this.#touched.set(id, { account, before, entries })
      }
      return account
    }
    this.rows = {
      ...boundMethods(rows),
      objects: rows.objects,
      plans,
      account: (key) => seen(rows.account(key)),
      accountById: (id) => seen(rows.accountById(id)),
      addAccount: (key, at) => seen(rows.addAccount(key, at)),
      accountsOf: (customer) => rows.accountsOf(customer).map((account) => seen(account)),
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
    const changes = { accounts: [...this.#touched.values()], pools: [...this.#pools.values()] }
    this.#touched.clear()
    this.#spent.clear()
    this.#pools.clear()
    return changes
  }
}

function boundMethods(rows: BookRows): BookRows {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(rows)) as (keyof BookRows)[]
  const methods = names
    .filter((name) => typeof rows[name] === 'function')
    .map((name) => [name, (rows[name] as () => unknown).bind(rows)])
  return Object.fromEntries(methods) as BookRows
}
