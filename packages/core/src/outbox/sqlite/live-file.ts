import type { DatabaseSync } from 'node:sqlite'
import { OutboxError } from '../../errors/errors.ts'
import { isNextBuild } from '../../lib/runtime.ts'
import { type FileIdentity, identityOf, isStillWhole, targetOf } from './file-identity.ts'
import { builtInModules } from './built-in-modules.ts'
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
  quickly(): Operations {
    const isTrusted = performance.now() - this.#lookedAt < trustMs
    return isTrusted && this.#open !== undefined ? this.#open.operations : this.get()
  }

  /** Something failed: the next append looks first. */
  distrust(): void {
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
