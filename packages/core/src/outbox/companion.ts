/**
 * What stands in the same store as the records and is written with them, in one transaction: the books
 * of credits. An outbox that can have one says so by `store`; which kind it is, its companion knows.
 */
import { OutboxError } from '../errors/errors.ts'
import type { UsageRecord } from '../usage/usage-record.ts'

/** Options of one `append`, or of one `open`. */
export interface AppendOptions {
  /** The holds that these records settle, where a companion keeps any. */
  readonly holdIds?: readonly string[] | undefined
  /** Ids under which usage was opened (`Outbox.open`) that came to nothing, or to records of other ids: these. */
  readonly ends?: readonly string[] | undefined
}

/** Records that were kept just now, and the holds that they settle. */
export interface AppendedRecords {
  readonly records: readonly UsageRecord[]
  readonly holdIds: readonly string[]
}

/** Rows by the append that they are of: those of one have one list of holds. */
export function inAppends<Row extends { readonly holdIds: readonly string[] }>(
  rows: readonly Row[],
  recordOf: (row: Row) => UsageRecord,
): readonly AppendedRecords[] {
  const appends: { records: UsageRecord[]; holdIds: readonly string[] }[] = []
  for (const row of rows) {
    const last = appends.at(-1)
    if (last?.holdIds === row.holdIds) last.records.push(recordOf(row))
    else appends.push({ records: [recordOf(row)], holdIds: row.holdIds })
  }
  return appends
}

/** What is reported of a companion that has failed: its records are kept all the same. */
export function companionFailure(cause: unknown): OutboxError {
  return new OutboxError('What is kept beside usage could not be written with it', { cause })
}

/** A companion, as the store calls it. */
export interface Companion {
  /**
   * Records were kept, inside the transaction that keeps them. What it throws undoes what it wrote
   * itself, is reported, and costs no record.
   */
  appended(appended: readonly AppendedRecords[]): void
  /** The outbox was closed: nothing can be asked of it any more. */
  closed?(): void
}

/** A companion in a store that is there, as it is now. */
export interface AttachedCompanion<Part> {
  /**
   * Runs work as one write, all or nothing.
   * @throws an error with `busy: true` where another process holds the store for longer than the
   * outbox waits.
   */
  write<Value>(work: (part: Part) => Value): Value
  /** Runs work that only reads. */
  read<Value>(work: (part: Part) => Value): Value
}

/**
 * A store that companions can be attached to.
 * @typeParam Handle what a companion is made of: a database.
 */
export interface CompanionStore<Handle = unknown> {
  readonly kind: 'memory' | 'sqlite'
  /**
   * @param prepare makes the companion: at once where the store is open, and again for a store that
   * takes its place, such as a file that was replaced. Inside a transaction.
   */
  attach<Part extends Companion>(prepare: (handle: Handle) => Part): AttachedCompanion<Part>
}

/** Asks a database within a transaction. 64-bit integers come as text. */
export type AskSql = (
  text: string,
  values?: readonly unknown[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>

/** A companion in a database that is asked asynchronously. */
export interface SqlCompanion {
  /** Its tables are of this version. */
  readonly version: number
  /** Stands for it where its version is kept. */
  readonly name: string
  /** What brings its tables from a version, 0 for none, to its own. @param schema quoted. */
  migrations(schema: string, from: number): readonly string[]
  /** As `Companion.appended`. Returns what is called once the transaction is committed. */
  appended(ask: AskSql, schema: string, appended: readonly AppendedRecords[]): Promise<() => void>
  /** As `Companion.closed`. */
  closed?(): void
}

/** A database that companions can be attached to. */
export interface SqlCompanionStore {
  readonly kind: 'postgres'
  /** Its tables are made at its first use. */
  attach(companion: SqlCompanion): {
    /** Does work as one transaction, all or nothing. */
    transaction<Value>(work: (ask: AskSql, schema: string) => Promise<Value>): Promise<Value>
  }
}
