import { type Faults, messageOf, OutboxError } from '@token-meter/core/outbox'
import type { SpoolName } from './spool-folder.ts'

/** How long a database may be away before that is told, and how often it is told again, in ms. */
const untoldMs = 60_000
const toldMs = 60 * 60_000

/** What somebody should know of a spool. Nothing here is about records that are lost. */
export class SpoolReport {
  readonly #path: string
  readonly #faults: Faults
  #awaySince: number | undefined
  #toldAt: number | undefined
  #unwritableToldAt: number | undefined

  constructor(path: string, faults: Faults) {
    this.#path = path
    this.#faults = faults
  }

  tell(error: OutboxError): void {
    this.#faults.report(error)
  }

  /** The database has answered. */
  back(): void {
    this.#awaySince = this.#toldAt = undefined
  }

  /** @param passes it can go away by itself, and is told only when it does not. */
  away(error: OutboxError, passes: boolean, waiting: number): void {
    const now = performance.now()
    this.#awaySince ??= now
    const isDue =
      this.#toldAt === undefined
        ? !passes || now - this.#awaySince >= untoldMs
        : now - this.#toldAt >= toldMs
    if (!isDue) return
    this.#toldAt = now
    this.tell(
      new OutboxError(
        `${error.message} Until then usage is kept in ${this.#path} (${waiting} records of this ` +
          'process), and comes into the database when that answers.',
        { cause: error.cause },
      ),
    )
  }

  unwritable(cause: unknown): void {
    const now = performance.now()
    if (this.#unwritableToldAt !== undefined && now - this.#unwritableToldAt < untoldMs) return
    this.#unwritableToldAt = now
    this.tell(
      new OutboxError(
        `The spool folder ${this.#path} cannot be written (${messageOf(cause)}), and the database ` +
          'does not answer: usage is only in memory, and calls wait for it. Make the folder ' +
          'writable, or name another one by the option spoolFolder of postgresOutbox().',
        { cause },
      ),
    )
  }

  damaged(path: string): void {
    this.tell(
      new OutboxError(
        'A spool file had lines that are no records, as after a power cut. What could be read is in ' +
          `the database; the file is left at ${path} to be looked at and deleted.`,
      ),
    )
  }

  strangers(files: readonly SpoolName[]): void {
    const [first] = files
    if (first === undefined) return
    this.tell(
      new OutboxError(
        `${files.length} spool file(s) in ${this.#path} wait for a process that uses another ` +
          'database, schema or user, such as before a move, or are older than 30 days, so that what is ' +
          'in them may have been delivered and pruned: their usage is not billed. Start such a ' +
          'process, touch a file that is only old, or look at them and delete them. The first is ' +
          `${first.text}.`,
      ),
    )
  }
}
