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
import { whenFree } from '../busy.ts'
import type { AllRows } from './check-books.ts'
import { type Change, type Changes, Journal, type PoolChange } from './journal.ts'
import { BooksAge } from './lost-books.ts'
import { MemoryRows } from './memory-rows.ts'
import type { AccountPlans, BookRows } from './rows.ts'
import type { Hint } from './loaded-rows.ts'
import { runOnPostgres } from './postgres-rows.ts'
import { postgresSums } from './postgres-sums.ts'
import { creditMigrations, creditVersion } from './postgres-schema.ts'
import { SqliteRows } from './sqlite-rows.ts'
import { prepareCreditSchema } from './sqlite-schema.ts'

/** Between two tries while another process has the store, in ms. */
const pauseMs = 5

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
  /** Whether their file was deleted while it was in use, or replaced by one that was begun later. */
  isLost?(): boolean
  /** The rows themselves, where they are a process's own. */
  readonly memory?: MemoryRows
  /** Everything, at one moment, with entries as their sums. */
  sums(): Promise<AllRows>
}

export interface BooksOptions {
  /** How long a write tries again while another process has the store, in ms. */
  readonly busyMs: number
  /** What records that are appended cost, inside the transaction that keeps them. */
  readonly appended: (rows: BookRows, ...parameters: Parameters<Companion['appended']>) => void
  readonly changed: (changes: readonly Change[], pools: readonly PoolChange[]) => void
  /** Called before each write. */
  readonly used: () => void
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
      appended(records) {
        options.used()
        journaled(journal, options, (own) => options.appended(own, records))
      },
    }
  }
  switch (store?.kind) {
    case 'memory': {
      const memory = new MemoryRows()
      const part = (store as CompanionStore<void>).attach(() => partOf(memory))
      return { ...attached(part, options), memory }
    }
    case 'sqlite': {
      const age = new BooksAge()
      const prepare = (database: DatabaseSync) => {
        prepareCreditSchema(database)
        const rows = new SqliteRows(database)
        age.opened(rows)
        return partOf(rows)
      }
      const part = (store as CompanionStore<DatabaseSync>).attach(prepare)
      return { ...attached(part, options), isLost: () => age.isLost }
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
  const { appended, changed, isHeard, plans, used } = options
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
      used()
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
    used()
    const { value, committed } = await database.transaction((ask, schema) =>
      run(ask, schema, work, hint),
    )
    committed()
    return value
  }
  const sums = () => database.transaction(postgresSums)
  return { write, read: write, sums }
}

interface Part extends Companion {
  readonly journal: Journal
}

function attached(store: AttachedCompanion<Part>, options: BooksOptions): Books {
  const writeNow = <Value>(work: Work<Value>): Value => {
    options.used()
    return store.write(({ journal }) => journaled(journal, options, work))
  }
  return {
    writeNow,
    read: async (work) => store.read(({ journal }) => ended(journal.plain, work)),
    sums: async () => store.write(({ journal: { plain } }) => ended(plain, sumsOf)),
    // Another process can have the store for longer than the outbox waits at a time.
    write: (work, _, atMostMs = options.busyMs) =>
      whenFree(() => writeNow(work), { atMostMs, pauseMs }),
  }
}

/** Of rows that are read synchronously. */
const sumsOf = (rows: BookRows) => (rows as MemoryRows | SqliteRows).sums()

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
