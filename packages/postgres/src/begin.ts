/** How long a transaction may wait for its next statement, in ms. */
const idleMs = 5_000

/**
 * Begins a transaction. Each statement sees what was committed before it, whatever the database's
 * default is: claims and migrations rely on it after they have waited for a lock.
 *
 * The server ends what takes too long, or what nobody goes on with: a process that stands still, or
 * whose machine is gone, would keep its locks for hours, and one that has given up waiting would
 * leave a connection behind that waits on.
 */
export function begin(statementTimeoutMs: number): string {
  return `BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = ${Math.ceil(statementTimeoutMs)};
    SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`
}
