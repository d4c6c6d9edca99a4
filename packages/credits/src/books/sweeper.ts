/**
 * Ends what time ends, also where nobody asks: holds whose lease is over, grants that expire. Each
 * process that works with the books looks again when something is due, and not at all where nothing is.
 * Several may do so at once: each finds what the others have left.
 */
import type { Books } from './books.ts'
import { sweep } from './holds.ts'
import { type Act, due } from './operations.ts'
import type { BookRows } from './rows.ts'

/** How much one look ends, in one transaction: others wait for it meanwhile. */
const atOnce = 200
/** What comes next is looked for again after this time at the latest: others may have made it come earlier. */
const longestMs = 60_000

/** What was ended, and when more is to be. */
export interface Swept {
  /** Holds whose lease was over. */
  readonly holds: number
  /** ms since the epoch; `null` where nothing is due ever. */
  readonly nextAt: number | null
}

/** Ends what is due by now. */
export function sweepDue(rows: BookRows, act: Act): Swept {
  const holds = sweep(rows, act, atOnce)
  const accounts = rows.dueAccounts(act.at, atOnce)
  for (const account of accounts) due(rows, account, act)
  const isMore = holds === atOnce || accounts.length === atOnce
  return { holds, nextAt: isMore ? act.at : rows.nextSweepAt() }
}

export class Sweeper {
  readonly #books: () => Books
  readonly #now: () => number
  readonly #soonestMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /** Something was done since this began to look. */
  #isUsed = false

  /** @param soonestMs how long it takes at least from one look to the next. */
  constructor(books: () => Books, now: () => number, soonestMs: number) {
    this.#books = books
    this.#now = now
    this.#soonestMs = soonestMs
  }

  /** Something was done with the books, so that something may be due. */
  arm(): void {
    this.#isUsed = true
    if (this.#timer === undefined && !this.#isClosed) this.#lookIn(this.#soonestMs)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms)
    // A number where there is no Node.
    ;(this.#timer as Partial<NodeJS.Timeout>).unref?.()
  }

  async #look(): Promise<void> {
    const act = { actor: 'lease', at: this.#now() }
    let nextAt: number | null = null
    try {
      const swept = this.#books().write((rows) => sweepDue(rows, act))
      // That was itself. What others begin from now on, this look may not see any more.
      this.#isUsed = false
      ;({ nextAt } = await swept)
    } catch {
      // A store that is away, or closed: who uses it next is told, and arms this again.
    }
    this.#timer = undefined
    if (this.#isClosed) return
    if (this.#isUsed) this.#lookIn(this.#soonestMs)
    else if (nextAt !== null) {
      this.#lookIn(Math.min(Math.max(nextAt - act.at, this.#soonestMs), longestMs))
    }
  }
}
