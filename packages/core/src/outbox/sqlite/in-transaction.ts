import type { DatabaseSync } from 'node:sqlite'

/**
 * Runs work as one write, all or nothing. The lock is taken at once, because a transaction that
 * starts by reading cannot wait for another writer later.
 */
export function inTransaction<Value>(database: DatabaseSync, work: () => Value): Value {
  database.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    database.exec('COMMIT')
    return value
  } catch (error) {
    rollBack(database)
    throw error
  }
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // SQLite has done so by itself after some failures, such as a full disk.
  }
}
