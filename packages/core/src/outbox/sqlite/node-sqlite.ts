import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { OutboxError } from '../../errors/errors.ts'
import { builtInModule as find } from '../../lib/runtime.ts'

/**
 * Node's own modules, asked for at the first use and not imported, so that a bundle of this package
 * still loads where they do not exist.
 */
export function builtInModules() {
  const sqlite = find('node:sqlite')
  if (sqlite === undefined) {
    const runtime = globalThis.process?.version
    throw new OutboxError(
      `The SQLite outbox needs Node >= 22.13, for node:sqlite${runtime ? `; this is ${runtime}` : ''}. ` +
        'Use a newer Node, or another outbox such as memoryOutbox() (TOKEN_METER_OUTBOX=memory: without code).',
    )
  }
  return { sqlite, files: find('node:fs'), paths: find('node:path'), system: find('node:os') }
}

/**
 * Runs work as one write, all or nothing. The lock is taken at once, because a transaction that
 * starts by reading cannot wait for another writer later.
 */
export function inTransaction<Value>(database: DatabaseSync, work: () => Value): Value {
  let statements = bounds.get(database)
  if (statements === undefined) {
    statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      commit: database.prepare('COMMIT'),
    }
    bounds.set(database, statements)
  }
  statements.begin.run()
  try {
    const value = work()
    statements.commit.run()
    return value
  } catch (error) {
    rollBack(database)
    throw error
  }
}

/** What begins and ends a transaction: to compile it takes as long as to run it. */
const bounds = new WeakMap<
  DatabaseSync,
  { readonly begin: StatementSync; readonly commit: StatementSync }
>()

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has done so by itself after some failures, such as a full disk.
  }
}
