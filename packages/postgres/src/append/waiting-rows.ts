import type { UsageRecord } from '@token-meter/core/outbox'

/** A row that was left out, and the record that has its id. */
export interface TakenRow<Row> {
  readonly row: Row
  readonly kept: UsageRecord
}

/** Rows of one append. */
export interface Waiting<Row> {
  readonly rows: readonly Row[]
  readonly size: number
  readonly stored: (taken: readonly TakenRow<Row>[]) => void
  readonly failed: (cause: unknown) => void
  /** By `performance.now()`. */
  readonly since: number
  /** It is in the statement that is under way. */
  isUnderWay: boolean
  /** It is safe elsewhere, and only here because it is under way. */
  isSafe: boolean
}

/** Rows in one statement, and their characters. */
const maxTogether = 500
const maxTogetherSize = 4_000_000
/** Rows that wait in memory, and their characters. */
const maxWaiting = 10_000
const largestWaiting = 64_000_000

/** The appends that wait in memory, in order. */
export class WaitingRows<Row> {
  readonly #all: Waiting<Row>[] = []
  /** Rows. */
  count = 0
  #size = 0

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  isFullFor(count: number, size: number): boolean {
    const isTooLarge = this.count > 0 && this.#size + size > largestWaiting
    return this.count + count > maxWaiting || isTooLarge
  }

  /** Resolves when they are stored, or safe elsewhere, with those whose ids were taken. */
  push(rows: readonly Row[], size: number): Promise<readonly TakenRow<Row>[]> {
    this.count += rows.length
    this.#size += size
    return new Promise((stored, failed) => {
      const since = performance.now()
      const state = { isUnderWay: false, isSafe: false }
      this.#all.push({ rows, size, stored, failed, since, ...state })
    })
  }

  /** Those that are nowhere else. */
  unsafe(): readonly Waiting<Row>[] {
    return this.#all.filter(({ isSafe, rows }) => !isSafe && rows.length > 0)
  }

  /** As many from the head as go into one statement, at least one. */
  next(): readonly Waiting<Row>[] {
    let count = 0
    let together = 0
    const end = this.#all.findIndex(({ rows, size }, index) => {
      count += rows.length
      together += size
      return index > 0 && (count > maxTogether || together > maxTogetherSize)
    })
    return this.#all.slice(0, end < 0 ? undefined : end)
  }

  leave(one: Waiting<Row>): Waiting<Row> {
    const index = this.#all.indexOf(one)
    if (index < 0) return one
    this.#all.splice(index, 1)
    this.count -= one.rows.length
    this.#size -= one.size
    return one
  }

  takeAll(): readonly Waiting<Row>[] {
    return this.#all.splice(0)
  }
}
