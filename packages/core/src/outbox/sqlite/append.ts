import type { DatabaseSync } from 'node:sqlite'
import type { UsageRecord } from '../../usage/usage-record.ts'
import { inTransaction } from './in-transaction.ts'
import { toBody } from './record-body.ts'
import { isBusyFailure } from './sqlite-failure.ts'

export function prepareAppend(database: DatabaseSync): (records: readonly UsageRecord[]) => void {
  // Not INSERT OR IGNORE, which uses up a number for every record it leaves out. And `?` or `:name`,
  // here and elsewhere, because Node 22.13 cannot bind `?1`.
  const insert = database.prepare(
    `INSERT INTO records (id, customer, at, body)
     SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?)`,
  )
  const add = (record: UsageRecord): void => {
    insert.run(record.id, record.customer, record.at, toBody(record), record.id)
  }

  return (records) => {
    const [first] = records
    if (first === undefined) return
    // One statement is a transaction already.
    if (records.length === 1) add(first)
    else inTransaction(database, () => records.forEach(add))
  }
}

interface Waiting {
  readonly records: readonly UsageRecord[]
  readonly stored: () => void
  readonly failed: (cause: unknown) => void
}

/** How soon a locked file is tried again, in ms. */
const againMs = 200
const mostWaiting = 10_000

/**
 * Appends to a file that another process may have locked. What comes meanwhile waits here, in
 * order, and is not tried one by one: each try stops the process for as long as the busy timeout.
 */
export class AppendQueue {
  readonly #append: (records: readonly UsageRecord[]) => void
  readonly #waiting: Waiting[] = []
  #count = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(append: (records: readonly UsageRecord[]) => void) {
    this.#append = append
  }

  /** Nothing when the records are stored, else a promise of that. */
  append(records: readonly UsageRecord[]): void | Promise<void> {
    try {
      if (this.#waiting.length === 0) return this.#append(records)
    } catch (cause) {
      if (!isBusyFailure(cause)) throw cause
    }
    if (this.#count + records.length > mostWaiting) {
      throw new Error(`it is locked, and ${this.#count} records wait in memory already`)
    }
    this.#count += records.length
    this.#tryLater()
    return new Promise((stored, failed) => this.#waiting.push({ records, stored, failed }))
  }

  /** Resolves when all that waits now is stored, or has failed for good. */
  stored(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ records: [], stored: resolve, failed: () => resolve() })
    })
  }

  /** Tries for the last time, and hands back what could not be stored. */
  close(): void {
    this.tryNow()
    clearTimeout(this.#timer)
    for (const { failed } of this.#waiting.splice(0)) {
      failed(new Error('another process had it locked until the end'))
    }
  }

  /** True when nothing waits any more. */
  tryNow(): boolean {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      try {
        this.#append(next.records)
        next.stored()
      } catch (cause) {
        if (isBusyFailure(cause)) return false
        next.failed(cause)
      }
      this.#waiting.shift()
      this.#count -= next.records.length
    }
    return true
  }

  #tryLater(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.tryNow()) this.#tryLater()
    }, againMs)
    this.#timer.unref()
  }
}
