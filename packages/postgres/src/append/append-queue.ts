import { atMost } from '../at-most.ts'

/** How appends reach the database, and what its failures mean. */
export interface AppendStore<Row> {
  store(rows: readonly Row[]): Promise<void>
  /** The same rows can be stored in a moment. */
  isPassing(cause: unknown): boolean
  /** One of the rows is the cause, and the others can be stored without it. */
  isAboutTheValues(cause: unknown): boolean
  /** How much room a row takes, in characters. */
  sizeOf(row: Row): number
}

interface Waiting<Row> {
  readonly rows: readonly Row[]
  readonly size: number
  readonly stored: () => void
  readonly failed: (cause: unknown) => void
}

/** How soon a database that is away is tried again, in ms: doubled each time. */
const firstPauseMs = 100
const longestPauseMs = 2_000
/** Rows in one statement, and their characters. */
const mostTogether = 500
const largestTogether = 4_000_000
/** Rows that wait in memory, and their characters. */
const mostWaiting = 10_000
const largestWaiting = 64_000_000
/** How long the last try of `close` may take, in ms. */
const lastTryMs = 2_000

/**
 * Appends in order, one statement at a time: what comes while one is under way goes together in the
 * next. While the database is away everything waits here.
 */
export class AppendQueue<Row> {
  readonly #store: AppendStore<Row>
  readonly #waiting: Waiting<Row>[] = []
  #count = 0
  #size = 0
  #running: Promise<void> | undefined
  #pauseMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #reason: unknown
  #isClosed = false

  constructor(store: AppendStore<Row>) {
    this.#store = store
  }

  async append(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    if (this.#isClosed) throw new Error('it is closed')
    const size = rows.reduce((sum, row) => sum + this.#store.sizeOf(row), 0)
    const isFull =
      this.#count + rows.length > mostWaiting ||
      (this.#count > 0 && this.#size + size > largestWaiting)
    if (isFull) {
      throw new Error(
        `${this.#count} records wait in memory already${this.#reason === undefined ? '' : `, because: ${messageOf(this.#reason)}`}`,
      )
    }
    this.#count += rows.length
    this.#size += size
    const storing = this.#push(rows, size)
    if (this.#timer === undefined) this.#run()
    await storing
  }

  /** Tries at once, and resolves when all that waits now is stored, or has failed for good. */
  async stored(): Promise<void> {
    if (this.#waiting.length === 0) return
    const storing = this.#push([], 0).catch(() => {})
    this.#run()
    await storing
  }

  /** Tries for the last time, and hands back what could not be stored. */
  async close(): Promise<void> {
    this.#isClosed = true
    await atMost(lastTryMs, this.#tryAtLast())
    clearTimeout(this.#timer)
    for (const { failed } of this.#waiting.splice(0)) {
      failed(this.#reason ?? new Error('it was closed before the database answered'))
    }
  }

  /** What is under way may have begun on a connection that was lost long ago. */
  async #tryAtLast(): Promise<void> {
    await this.#running
    if (this.#waiting.length > 0) this.#run()
    await this.#running
  }

  #push(rows: readonly Row[], size: number): Promise<void> {
    return new Promise((stored, failed) => this.#waiting.push({ rows, size, stored, failed }))
  }

  #run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running ??= this.#storeAll().finally(() => {
      this.#running = undefined
      // Something came after the last look.
      if (this.#waiting.length > 0 && this.#timer === undefined && !this.#isClosed) this.#run()
    })
  }

  async #storeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#next()
      try {
        await this.#storeTogether(together)
        this.#pauseMs = 0
        this.#reason = undefined
      } catch (cause) {
        this.#reason = cause
        if (!this.#isClosed) this.#tryLater()
        return
      }
    }
  }

  /** As many from the head as go into one statement, at least one. */
  #next(): readonly Waiting<Row>[] {
    let count = 0
    let together = 0
    const end = this.#waiting.findIndex(({ rows, size }, index) => {
      count += rows.length
      together += size
      return index > 0 && (count > mostTogether || together > largestTogether)
    })
    return this.#waiting.slice(0, end < 0 ? undefined : end)
  }

  /** @throws only what passes. */
  async #storeTogether(together: readonly Waiting<Row>[]): Promise<void> {
    const rows = together.flatMap((one) => one.rows)
    try {
      if (rows.length > 0) await this.#store.store(rows)
      for (const one of together) this.#leave(one).stored()
    } catch (cause) {
      if (this.#store.isPassing(cause)) throw cause
      if (this.#store.isAboutTheValues(cause) && together.length > 1) {
        for (const one of together) await this.#storeTogether([one])
        return
      }
      for (const one of together) this.#leave(one).failed(cause)
    }
  }

  #leave(one: Waiting<Row>): Waiting<Row> {
    const index = this.#waiting.indexOf(one)
    if (index < 0) return one
    this.#waiting.splice(index, 1)
    this.#count -= one.rows.length
    this.#size -= one.size
    return one
  }

  #tryLater(): void {
    this.#pauseMs = Math.min(longestPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
    this.#timer = setTimeout(() => this.#run(), this.#pauseMs * (0.5 + Math.random() / 2))
    this.#timer.unref()
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
