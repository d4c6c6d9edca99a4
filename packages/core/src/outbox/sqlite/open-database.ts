import type { DatabaseSync } from 'node:sqlite'
import { OutboxError, messageOf } from '../../errors/errors.ts'
import { targetOf } from './file-identity.ts'
import { builtInModules } from './node-sqlite.ts'
import { prepareSchema } from './schema.ts'
import { sqliteFailure } from './sqlite-failure.ts'

export interface OpenOptions {
  readonly durability: 'process' | 'group' | 'full'
  /** How long an operation waits for another process, in ms; every one of them stops this process. */
  readonly busyTimeoutMs: number
  /** Opening may wait longer: another process can be making the file. @default 5000 */
  readonly openTimeoutMs?: number
  /** Told of a file that others could change, and of nothing that keeps it from being used. */
  readonly warn?: (error: OutboxError) => void
}

/**
 * What a write-ahead log keeps of the disk that it took while somebody read for long; otherwise it
 * has about 4 MB.
 */
const logBytes = 16 * 1024 * 1024

/**
 * The whole path to a file.
 * @throws OutboxError for what SQLite takes for no file, and for a URL.
 */
export function filePath(path: string): string {
  if (path === '' || path === ':memory:') {
    throw new OutboxError(
      `Cannot open the outbox "${path}": it must be a file. For an outbox in memory use memoryOutbox().`,
    )
  }
  const [, scheme] = /^([a-z][a-z0-9+.-]+):/i.exec(path) ?? []
  // A folder of such a name would have the password in it.
  if (scheme !== undefined) {
    throw new OutboxError(
      `Cannot open an outbox of the kind "${scheme}:": it must be the path of a file. For Postgres use ` +
        'postgresOutbox() of @token-meter/postgres, for an outbox in memory memoryOutbox().',
    )
  }
  return builtInModules().paths.resolve(path)
}

/**
 * Looks whether a file that is not there could be made.
 * @throws OutboxError where it could not.
 */
export function checkPlace(path: string): void {
  const { files, paths } = builtInModules()
  try {
    let folder = paths.dirname(targetOf(path))
    while (!files.existsSync(folder)) folder = paths.dirname(folder)
    // Of the folder itself: what is no folder has nothing in it.
    files.accessSync(`${folder}/.`, files.constants.W_OK | files.constants.X_OK)
  } catch (error) {
    throw sqliteFailure(error, { action: 'open', path })
  }
}

/** Opens the file, making it and its folders where they are missing. */
export function openDatabase(path: string, options: OpenOptions): DatabaseSync {
  const { sqlite } = builtInModules()
  const { durability, busyTimeoutMs, openTimeoutMs = 5000, warn = () => {} } = options
  let database: DatabaseSync | undefined
  try {
    makeFile(targetOf(path))
    narrowAccess(targetOf(path), warn)
    database = new sqlite.DatabaseSync(path)
    const timeoutMs = Math.max(openTimeoutMs, busyTimeoutMs)
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(timeoutMs)}`)
    useWriteAheadLog(database, timeoutMs)
    database.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`)
    // Without it, macOS leaves what was synced in the drive's cache.
    if (durability === 'full') database.exec('PRAGMA fullfsync = ON')
    database.exec(`PRAGMA journal_size_limit = ${logBytes}`)
    // For every row that is written, SQLite makes a table of the states that an item can have: a
    // fifth of a claim. What is written here are words of this code; the check is for other programs.
    database.exec('PRAGMA ignore_check_constraints = ON')
    prepareSchema(database, path)
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(busyTimeoutMs)}`)
    return database
  } catch (error) {
    database?.close()
    throw sqliteFailure(error, { action: 'open', path })
  }
}

/** The file says who used what, so it is the owner's only; SQLite gives its -wal and -shm the same. */
function makeFile(path: string): void {
  const { files, paths } = builtInModules()
  files.mkdirSync(paths.dirname(path), { recursive: true, mode: 0o700 })
  ignoreInGit(paths.dirname(path))
  try {
    // Only ever a new file: to close one that is open elsewhere in this process would drop
    // SQLite's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
    files.closeSync(files.openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  }
}

const busy = 5

/** SQLite does not wait by itself when two connections make this change at the same moment. */
function useWriteAheadLog(database: DatabaseSync, timeoutMs: number): void {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      const { errcode } = error as { errcode?: number }
      if ((errcode ?? 0) % 256 !== busy || Date.now() >= deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

/** What all others may do, and what the group may. */
const others = 0o007

/**
 * Sees to it that a file which decides what is billed is not everybody's: one of this user's own that
 * others can read or write (a copy, a file made under another umask) becomes its owner's only. A
 * group that was let in, and nobody else, stays. Never throws: what cannot be changed is told.
 */
export function narrowAccess(path: string, warn: (error: OutboxError) => void): void {
  const { files } = builtInModules()
  const user = globalThis.process?.getuid?.()
  // Windows has neither.
  if (user === undefined) return
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const found = files.statSync(file, { throwIfNoEntry: false })
    if (found === undefined) continue
    if (found.uid !== user) {
      const change = 'Give the file to the user that this process runs as, or choose another path.'
      warn(doubt(file, `it belongs to another user (${found.uid})`, change))
      // One is enough: SQLite gives all three the same owner.
      return
    }
    if ((found.mode & others) === 0) continue
    try {
      files.chmodSync(file, 0o600)
    } catch (cause) {
      const change = `Take the rights of others off it (chmod 600 ${file}).`
      warn(doubt(file, `other users can use it (${messageOf(cause)})`, change))
    }
  }
}

function doubt(path: string, what: string, change: string): OutboxError {
  return new OutboxError(
    `The outbox ${path} is used although ${what}, who can change what is billed. ${change}`,
  )
}

/** The folder that is made by itself must get into no repository. Never throws. */
export function ignoreInGit(folder: string): void {
  const { files, paths } = builtInModules()
  if (paths.basename(folder) !== '.token-meter') return
  try {
    files.writeFileSync(paths.join(folder, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // It is there already, or this is a disk that cannot be written.
  }
}
