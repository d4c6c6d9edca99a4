import { OutboxError } from '../../errors/errors.ts'
import type { UsageRecord } from '../../usage/usage-record.ts'

export interface FailureContext {
  /** What was being done, to follow `Cannot`: `open`, `keep usage in`. */
  readonly action: string
  readonly path: string
  /** Records that were not kept because of it. */
  readonly records?: readonly UsageRecord[]
}

/**
 * Another process is using the file just now: nothing is wrong yet, the same call can succeed in a
 * moment. Delivery knows it by `busy`.
 */
export class BusyOutboxError extends OutboxError {
  readonly busy = true
}

/** True for SQLite's answer that another connection has the file locked. */
export function isBusyFailure(cause: unknown): boolean {
  if (cause instanceof BusyOutboxError) return true
  return locks.has(primaryCode(cause))
}

/** True where a row was refused for what the table demands, such as an id of its own. */
export function isConstraintFailure(cause: unknown): boolean {
  return primaryCode(cause) === 19
}

/** The low byte of what SQLite answered (https://www.sqlite.org/rescode.html), if it did. */
function primaryCode(cause: unknown): number {
  const { errcode } = (cause ?? {}) as { errcode?: unknown }
  return typeof errcode === 'number' ? errcode & 0xff : Number.NaN
}

/** Says what happened, to which file, and what to do next. */
export function sqliteFailure(cause: unknown, context: FailureContext): OutboxError {
  const { action, path, records = [] } = context
  if (cause instanceof OutboxError) {
    if (records.length === 0) return cause
    const Same = cause instanceof BusyOutboxError ? BusyOutboxError : OutboxError
    return new Same(cause.message, { cause: cause.cause, records })
  }
  const { happened, advice } = explain(cause)
  const said = cause instanceof Error ? cause.message : String(cause)
  const Failure = isBusyFailure(cause) ? BusyOutboxError : OutboxError
  return new Failure(`Cannot ${action} the outbox ${path}: ${happened} (${said}). ${advice}`, {
    cause,
    records,
  })
}

interface Explanation {
  readonly happened: string
  readonly advice: string
}

function explain(cause: unknown): Explanation {
  const { code } = (cause ?? {}) as { code?: unknown }
  return (
    sqliteFailures.get(primaryCode(cause)) ?? systemFailures.get(String(code)) ?? unknownFailure
  )
}

/** SQLITE_BUSY and SQLITE_LOCKED. */
const locks: ReadonlySet<number> = new Set([5, 6])

const locked = {
  happened: 'another process has it locked',
  advice: 'Look for a process that is stopped in the middle of a write, or raise busyTimeoutMs.',
}
const readOnly = {
  happened: 'it cannot be written',
  advice: 'Give this process write access to the file and its folder, or choose another path.',
}
const notAFile = {
  happened: 'no file can be opened there',
  advice: 'Choose a path to a file, in a folder that this process can write to.',
}
const notADatabase = {
  happened: 'it is not a SQLite database, or it is damaged',
  advice:
    'It was left as it is: move it aside (with its -wal and -shm files), and a new one is made. ' +
    "SQLite's shell reads out of it what can be read: sqlite3 <file> .recover",
}
const full = {
  happened: 'the disk is full',
  advice: 'Free some space, or choose a path on another disk.',
}
const unknownFailure = {
  happened: 'it failed',
  advice: 'See the cause of this error, and check the file and its disk.',
}

const sqliteFailures: ReadonlyMap<number, Explanation> = new Map([
  [5, locked],
  [6, locked],
  [8, readOnly],
  [11, notADatabase],
  [13, full],
  [14, notAFile],
  [26, notADatabase],
])

const systemFailures: ReadonlyMap<string, Explanation> = new Map([
  ['EACCES', readOnly],
  ['EPERM', readOnly],
  ['EROFS', readOnly],
  ['EISDIR', notAFile],
  ['EEXIST', notAFile],
  ['ENOENT', notAFile],
  ['ENOTDIR', notAFile],
  ['ENOSPC', full],
  [
    'ERR_INVALID_STATE',
    { happened: 'it is closed', advice: 'Close the meter after the last call.' },
  ],
])
