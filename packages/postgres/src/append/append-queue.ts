import { settledWithin } from '@token-meter/core/outbox'
import { type TakenRow, type Waiting, WaitingRows } from './waiting-rows.ts'

/** How appends reach the database, and what its failures mean. */
export interface AppendStore<Row> {
  /** Returns those that were left out because their ids are taken. */
  store(rows: readonly Row[]): Promise<void | readonly TakenRow<Row>[]>
  /** The same rows can be stored in a moment. */
  isPassing(cause: unknown): boolean
  /** One of the rows is the cause, and the others can be stored without it. */
  isAboutTheValues(cause: unknown): boolean
  /** How much room a row takes, in characters. */
  sizeOf(row: Row): number
  /**
   * Makes rows safe elsewhere, from where they come into the store when that answers; false where
   * that is not possible. Left out where there is nowhere else.
   */
  keepElsewhere?(rows: readonly Row[]): boolean
}

/** How soon a database that is away is tried again, in ms: doubled each time. */
const firstPauseMs = 100
const maxPauseMs = 2_000
/** How long the last try of `close` may take, in ms. */
const lastTryMs = 2_000
/** How long rows wait for a store that is slow before they are kept elsewhere, in ms. */
const patienceMs = 200
/** How soon elsewhere is tried again after it was not possible, in ms. */
const elsewhereAgainMs = 1_000

/**
 * Appends in order, one statement at a time: what comes while one is under way goes together in the
 * next. What the database does not take within moments is kept elsewhere, and so is all that comes
 * while it is away; where that is not possible everything waits here.
 */
export class AppendQueue<Row> {
  readonly #store: AppendStore<Row>
  readonly #waiting = new WaitingRows<Row>()
  #running: Promise<void> | undefined
  #pauseMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #reason: unknown
  #isClosed = false
  /** The last answer of the store was that it is away. */
  #isAway = false
  /** When the statement that is under way began, by `performance.now()`. */
  #beganAt: number | undefined
  #patience: ReturnType<typeof setTimeout> | undefined
  #elsewhereAgainAt = 0

  constructor(store: AppendStore<Row>) {
    this.#store = store
  }

  async append(rows: readonly Row[]): Promise<readonly TakenRow<Row>[]> {
    if (rows.length === 0) return []
    if (this.#isClosed) throw new Error('it is closed')
    const size = rows.reduce((sum, row) => sum + this.#store.sizeOf(row), 0)
    const isFull = () => this.#waiting.isFullFor(rows.length, size)
    if (isFull() && !(this.keepElsewhere() && !isFull())) {
      throw new Error(
        `${this.#waiting.count} records wait in memory already${this.#reason === undefined ? '' : `, because: ${messageOf(this.#reason)}`}`,
      )
    }
    const storing = this.#waiting.push(rows, size)
    if (this.#isAway || this.#isSlow) this.keepElsewhere()
    if (this.#timer === undefined && !this.#waiting.isEmpty) this.#run()
    this.#watch()
    return await storing
  }

  /** Rows that are nowhere else. */
  get waiting(): number {
    return this.#waiting.unsafe().reduce((sum, { rows }) => sum + rows.length, 0)
  }

  /** The store has answered somebody else: what comes goes there again. */
  back(): void {
    this.#isAway = false
  }

  /**
   * Makes all that waits safe at once, where that is possible; true when nothing is left unsafe.
   * @param tries also where it was not possible a moment ago.
   */
  keepElsewhere(tries: 'always' | 'sparingly' = 'sparingly'): boolean {
    const unsafe = this.#waiting.unsafe()
    if (unsafe.length === 0) return true
    const now = performance.now()
    if (tries === 'sparingly' && now < this.#elsewhereAgainAt) return false
    if (this.#store.keepElsewhere?.(unsafe.flatMap(({ rows }) => rows)) !== true) {
      this.#elsewhereAgainAt = now + elsewhereAgainMs
      return false
    }
    for (const one of unsafe) {
      one.isSafe = true
      // Whether an id of them is taken is told when they come into the store.
      one.stored([])
      if (!one.isUnderWay) this.#waiting.leave(one)
    }
    return true
  }

  /** Tries at once, and resolves when all that waits now is stored, or has failed for good. */
  async stored(): Promise<void> {
    if (this.#waiting.isEmpty) return
    const storing = this.#waiting.push([], 0).catch(() => {})
    this.#run()
    await storing
  }

  /** Tries for the last time, and hands back what could not be stored. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (!this.keepElsewhere('always')) await settledWithin(lastTryMs, this.#tryAtLast())
    clearTimeout(this.#timer)
    clearTimeout(this.#patience)
    for (const { failed } of this.#waiting.takeAll()) {
      failed(this.#reason ?? new Error('it was closed before the database answered'))
    }
  }

  /** What is under way may have begun on a connection that was lost long ago. */
  async #tryAtLast(): Promise<void> {
    await this.#running
    if (!this.#waiting.isEmpty) this.#run()
    await this.#running
  }

  get #isSlow(): boolean {
    return this.#beganAt !== undefined && performance.now() - this.#beganAt >= patienceMs
  }

  /** Keeps elsewhere what waits for too long. */
  #watch(): void {
    const [oldest] = this.#waiting.unsafe()
    if (this.#patience !== undefined || this.#store.keepElsewhere === undefined) return
    if (oldest === undefined) return
    const dueAt = Math.max(oldest.since + patienceMs, this.#elsewhereAgainAt)
    const look = () => {
      this.#patience = undefined
      const [first] = this.#waiting.unsafe()
      if (first !== undefined && performance.now() - first.since >= patienceMs) this.keepElsewhere()
      this.#watch()
    }
    // In a process that was busy the answer may be there, and is only read after its timers.
    this.#patience = setTimeout(() => setImmediate(look), Math.max(1, dueAt - performance.now()))
    this.#patience.unref()
  }

  #run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#running ??= this.#storeAll().finally(() => {
      this.#running = undefined
      // Something came after the last look.
      if (!this.#waiting.isEmpty && this.#timer === undefined && !this.#isClosed) this.#run()
    })
  }

  async #storeAll(): Promise<void> {
    while (!this.#waiting.isEmpty) {
      const together = this.#waiting.next()
      try {
        await this.#storeTogether(together)
        this.#pauseMs = 0
        this.#reason = undefined
      } catch (cause) {
        this.#reason = cause
        this.#isAway = true
        this.keepElsewhere()
        if (!this.#isClosed && !this.#waiting.isEmpty) this.#tryLater()
        return
      }
    }
  }

  /** @throws only what passes. */
  async #storeTogether(together: readonly Waiting<Row>[]): Promise<void> {
    const rows = together.flatMap((one) => one.rows)
    try {
      const taken: readonly TakenRow<Row>[] =
        (rows.length > 0 && (await this.#underWay(together, () => this.#store.store(rows)))) || []
      if (rows.length > 0) this.#isAway = false
      for (const one of together) {
        this.#waiting.leave(one).stored(taken.filter(({ row }) => one.rows.includes(row)))
      }
    } catch (cause) {
      if (this.#store.isPassing(cause)) throw cause
      const isAboutTheValues = this.#store.isAboutTheValues(cause)
      if (isAboutTheValues && together.length > 1) {
        for (const one of together) if (!one.isSafe) await this.#storeTogether([one])
        return
      }
      if (!isAboutTheValues && this.keepElsewhere()) throw cause
      for (const one of together) this.#waiting.leave(one).failed(cause)
    }
  }

  async #underWay<Value>(
    together: readonly Waiting<Row>[],
    store: () => Promise<Value>,
  ): Promise<Value> {
    this.#beganAt = performance.now()
    for (const one of together) one.isUnderWay = true
    try {
      return await store()
    } finally {
      this.#beganAt = undefined
      for (const one of together) one.isUnderWay = false
      for (const one of together) if (one.isSafe) this.#waiting.leave(one)
    }
  }

  #tryLater(): void {
    this.#pauseMs = Math.min(maxPauseMs, Math.max(firstPauseMs, this.#pauseMs * 2))
    this.#timer = setTimeout(() => this.#run(), this.#pauseMs * (0.5 + Math.random() / 2))
    this.#timer.unref()
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
