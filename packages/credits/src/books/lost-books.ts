/**
 * A file of books that was deleted, or replaced by one that was begun later, while it was in use. The
 * outbox goes on in the file that is there, so that no usage is lost; of the accounts that there were,
 * nothing is known in it.
 */
import { CreditsUnavailableError } from '../errors.ts'
import type { AccountKey, BookRows } from './rows.ts'

/** Rows of a file, as far as they say how old it is. */
interface AgedRows {
  /** When the first account was made that was seen of them by now, in ms since the epoch. */
  readonly seenSince: number
  /** When the first account was made; `Infinity` where there is none. */
  begunAt(): number
}

/** Whether the file that a process has open by now is the one that it has worked with. */
export class BooksAge {
  #since = Infinity
  #rows: AgedRows | undefined
  #isLost = false

  get isLost(): boolean {
    return this.#isLost
  }

  /** Looks at a file that was opened just now. */
  opened(rows: AgedRows): void {
    this.#since = Math.min(this.#since, this.#rows?.seenSince ?? Infinity)
    this.#rows = rows
    const begunAt = rows.begunAt()
    this.#isLost = begunAt > this.#since
    this.#since = Math.min(this.#since, begunAt)
  }
}

/** What is said where accounts are looked for in another file than theirs. */
export const lostFile =
  'the SQLite file of the outbox was deleted or replaced while it was open, and the accounts that it had are not known. Put it back; to begin anew with the file that is there, start the process again'

/** @throws CreditsUnavailableError for an account that may have been in a file that is lost. */
export function refuseLost(
  { isLost }: { readonly isLost?: () => boolean },
  rows: BookRows,
  key: AccountKey,
): void {
  if (isLost?.() !== true || rows.account(key) !== undefined) return
  throw new CreditsUnavailableError(`the books of credits cannot be asked: ${lostFile}`)
}
