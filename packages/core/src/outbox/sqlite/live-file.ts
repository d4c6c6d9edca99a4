import type { DatabaseSync } from 'node:sqlite'
import { OutboxError } from '../../errors/errors.ts'
import { isNextBuild } from '../../lib/runtime.ts'
import type { RecordRow } from './append.ts'
import { type FileIdentity, identityOf, isStillWhole, targetOf } from './file-identity.ts'
import { builtInModules } from './node-sqlite.ts'
import { type OpenOptions, checkPlace, filePath, openDatabase } from './open-database.ts'

interface OpenFile<Operations> {
  readonly database: DatabaseSync
  readonly identity: FileIdentity
  readonly operations: Operations
}

/** How long an append trusts the last look at the file, in ms: a look costs a fifth of an append. */
const trustMs = 100

export interface LiveFileEvents<Operations> {
  /** Makes what is done with a file that was opened just now; what it throws closes the file. */
  readonly prepare: (database: DatabaseSync, path: string) => Operations
  /** The file is the one that was open before, and has all that was written to it. */
  readonly isSame: () => void
  readonly replaced: (error: OutboxError) => void
}

/**
 * The file that is at a path now. It is made when something is first written to it; one that is there
 * is opened at once, so that what cannot be used is an error where the outbox is made. Where it is deleted or replaced while it is open, it is left and
 * the one at the path is opened, or made: what is written to a deleted file nobody reads again.
 */
export class LiveFile<Operations> {
  /** Whole, so that it means the same when the process changes its folder. */
  readonly #path: string
  readonly #options: OpenOptions
  readonly #events: LiveFileEvents<Operations>
  #open: OpenFile<Operations> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #closed = false
  #wasOpen = false

  constructor(path: string, options: OpenOptions, events: LiveFileEvents<Operations>) {
    this.#path = filePath(path)
    this.#options = options
    this.#events = events
    if (isNextBuild()) return
    if (this.#isThere()) this.#open = this.#openNow(options)
    else checkPlace(this.#path)
  }

  /** Nothing was ever written to it, by nobody. */
  get isUnmade(): boolean {
    return !this.#wasOpen && !this.#closed && !this.#isThere()
  }

  /** For an append: the file may have been replaced in the last moments. */
  cached(): Operations {
    const isTrusted = performance.now() - this.#lookedAt < trustMs
    return isTrusted && this.#open !== undefined ? this.#open.operations : this.get()
  }

  /** Something failed: the next append looks first. */
  invalidate(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  /** The operations of the file that is there. */
  get(): Operations {
    if (this.#closed) {
      throw new OutboxError(
        `Cannot use the outbox ${this.#path}: it is closed. Close the meter after the last call.`,
      )
    }
    if (this.#open !== undefined) {
      if (isStillWhole(this.#open.identity)) this.#events.isSame()
      else this.#leave(this.#open.database)
    }
    const { busyTimeoutMs } = this.#options
    // Not for longer, though another process may be making the file: this can be inside of a call.
    this.#open ??= this.#openNow({ ...this.#options, openTimeoutMs: busyTimeoutMs })
    this.#lookedAt = performance.now()
    return this.#open.operations
  }

  close(): void {
    this.#closed = true
    this.#open?.database.close()
    this.#open = undefined
  }

  #leave(database: DatabaseSync): void {
    this.#open = undefined
    try {
      // Into the old file, wherever it is now: a log that stays here would be read into the new one.
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // Whatever it is, it is not the file to be written any more.
    }
    try {
      // SQLite knows that the file has moved, and deletes no log of the one that is there now.
      database.close()
    } catch {
      // The same.
    }
    this.#events.replaced(
      new OutboxError(
        `The outbox ${this.#path} was deleted or replaced while it was open (the file, or its -wal). ` +
          'From now on usage is kept in the file that is there, or in a new one. What the old one ' +
          'had and was not delivered is not delivered from here: put it back to deliver it.',
      ),
    )
  }

  #isThere(): boolean {
    return builtInModules().files.existsSync(targetOf(this.#path))
  }

  #openNow(options: OpenOptions): OpenFile<Operations> {
    const database = openDatabase(this.#path, options)
    try {
      const operations = this.#events.prepare(database, this.#path)
      this.#wasOpen = true
      return { database, operations, identity: identityOf(this.#path) }
    } catch (error) {
      database.close()
      throw error
    }
  }
}

/** How soon after an append the file is looked at, in ms, where nothing else does. */
const pollMs = 100

/**
 * What was written since the last look at the file. Appends are too quick to look each time, so
 * where the file turns out to be another, these rows are written again, to the one that is there.
 */
export class RecentRows {
  readonly #poll: () => unknown
  #rows: RecordRow[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param poll finds out whether the file is the same, and then tells this. */
  constructor(poll: () => unknown) {
    this.#poll = poll
  }

  add(rows: readonly RecordRow[]): void {
    for (const row of rows) this.#rows.push(row)
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#rows.length > 0) this.#pollQuietly()
    }, pollMs)
    this.#timer.unref()
  }

  /** They are in the file. */
  forget(): void {
    if (this.#rows.length > 0) this.#rows = []
  }

  /** Into a file that was opened; rows that it has are left out. */
  writeTo<File extends { write(rows: readonly RecordRow[]): unknown }>(file: File): File {
    file.write(this.#rows)
    this.forget()
    return file
  }

  /** Looks for the last time. */
  close(): void {
    clearTimeout(this.#timer)
    if (this.#rows.length > 0) this.#pollQuietly()
  }

  #pollQuietly(): void {
    try {
      this.#poll()
    } catch {
      // They stay here until a file can be opened; whoever needs one meanwhile is told.
    }
  }
}
