import type { UsageRecord } from '../../usage/usage-record.ts'
import type { Appended } from '../outbox.ts'
import { fromBody } from '../record-body.ts'
import type { TakenId } from '../taken-id.ts'
import { type RecordRow, type RowOptions, type TakenRow, toRow } from './append.ts'
import { isBusyFailure } from './sqlite-failure.ts'

interface Waiting {
  readonly records: readonly UsageRecord[]
  readonly rows: readonly RecordRow[]
  readonly stored: (taken: readonly TakenRow[]) => void
  readonly failed: (cause: unknown) => void
}

export interface AppendQueueOptions {
  /** Writes rows, all or none, and returns those whose ids are taken. */
  readonly write: (rows: readonly RecordRow[]) => readonly TakenRow[]
  /** How long an append waits for others to be written together with it; absent: not at all. */
  readonly groupMs: number | undefined
  /** Told of what was answered as kept, and then was left out because its id is taken. */
  readonly taken: (taken: readonly TakenId[]) => void
  /** Told of what was answered as kept and then could not be written. */
  readonly lost: (cause: unknown, records: readonly UsageRecord[]) => void
}

/** How soon a locked file is tried again, in ms. */
const againMs = 200
const maxWaiting = 10_000
/** A group is written when it has so many records, however young it is. */
const fullGroup = 1000

/**
 * Appends that wait: for the others of their group, or for a file that another process has locked.
 * They are written in order, many in one transaction; a locked file is not tried for each of them,
 * because each try stops the process for as long as the busy timeout.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions
  #waiting: Waiting[] = []
  #count = 0
  /** When the oldest of a group came, as `performance.now()`. */
  #since = 0
  #locked = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: AppendQueueOptions) {
    this.#options = options
  }

  /** Nothing when the records are stored, or will be with their group, else a promise of that. */
  append(records: readonly UsageRecord[], options?: RowOptions): Appended | Promise<Appended> {
    const rows = records.map((record) => toRow(record, options))
    if (this.#options.groupMs !== undefined)
      return this.#group(records, rows, this.#options.groupMs)
    try {
      if (this.#waiting.length === 0) return takenIds(this.#options.write(rows), { records, rows })
    } catch (cause) {
      if (!isBusyFailure(cause)) throw cause
    }
    this.#locked = true
    this.#checkRoom(rows.length)
    return new Promise((resolve, failed) => {
      const stored = (taken: readonly TakenRow[]) => resolve(takenIds(taken, { records, rows }))
      this.#add({ records, rows, stored, failed })
    })
  }

  /** Writes what waits for its group only: a lock is not worth another wait to those who only read. */
  writeGroup(): void {
    if (!this.#locked) this.tryNow()
  }

  /** Resolves when all that waits now is stored, or has failed for good. */
  stored(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => resolve()
      this.#waiting.push({ records: [], rows: [], stored: done, failed: done })
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
    while (this.#waiting.length > 0) {
      const some = this.#nextFew()
      const rows = some.flatMap((one) => one.rows)
      let taken: readonly TakenRow[] = []
      try {
        if (rows.length > 0) taken = this.#options.write(rows)
      } catch (cause) {
        this.#locked = isBusyFailure(cause)
        if (this.#locked || !this.#writeOneByOne(some)) {
          this.#tryLater(againMs)
          return false
        }
        continue
      }
      this.#waiting.splice(0, some.length)
      this.#count -= rows.length
      for (const one of some) one.stored(takenOf(one, taken))
    }
    this.#locked = false
    return true
  }

  #group(records: readonly UsageRecord[], rows: readonly RecordRow[], groupMs: number): void {
    this.#checkRoom(rows.length)
    const now = performance.now()
    if (this.#waiting.length === 0) this.#since = now
    const lost = (cause: unknown) => this.#options.lost(cause, records)
    const stored = (taken: readonly TakenRow[]) => {
      const ids = takenIds(taken, { records, rows })
      if (ids !== undefined) this.#options.taken(ids)
    }
    this.#add({ records, rows, stored, failed: lost }, groupMs)
    // A timer comes late in a process that is busy.
    const isDue = this.#count >= fullGroup || now - this.#since >= groupMs
    if (isDue && !this.#locked) this.tryNow()
  }

  #add(one: Waiting, withinMs = againMs): void {
    this.#count += one.rows.length
    this.#waiting.push(one)
    this.#tryLater(this.#locked ? againMs : withinMs)
  }

  #checkRoom(count: number): void {
    if (!this.#locked || this.#count + count <= maxWaiting) return
    throw new Error(`it is locked, and ${this.#count} records wait in memory already`)
  }

  /** As many as make a full group, but always one. */
  #nextFew(): Waiting[] {
    let count = 0
    const end = this.#waiting.findIndex(({ rows }) => (count += rows.length) >= fullGroup)
    return end === -1 ? [...this.#waiting] : this.#waiting.slice(0, end + 1)
  }

  /** So that one that cannot be written takes no other with it. False: the file is locked. */
  #writeOneByOne(some: readonly Waiting[]): boolean {
    for (const one of some) {
      let taken: readonly TakenRow[]
      try {
        taken = this.#options.write(one.rows)
      } catch (cause) {
        this.#locked = isBusyFailure(cause)
        if (this.#locked) return false
        this.#remove(one).failed(cause)
        continue
      }
      this.#remove(one).stored(taken)
    }
    return true
  }

  /** The oldest. */
  #remove(one: Waiting): Waiting {
    this.#waiting.shift()
    this.#count -= one.rows.length
    return one
  }

  #tryLater(inMs: number): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.tryNow()
    }, inMs)
    this.#timer.unref()
  }
}

function takenOf({ rows }: Waiting, taken: readonly TakenRow[]): readonly TakenRow[] {
  return taken.length === 0 ? taken : taken.filter(({ row }) => rows.includes(row))
}

function takenIds(
  taken: readonly TakenRow[],
  { records, rows }: Pick<Waiting, 'records' | 'rows'>,
): readonly TakenId[] | undefined {
  if (taken.length === 0) return undefined
  return taken.flatMap(({ row, kept }) => {
    const record = records[rows.indexOf(row)]
    return record === undefined ? [] : { record, kept: fromBody(kept.body, kept.customer) }
  })
}

/** What an ending process still has in memory. */
const writes = new Set<() => void>()

/**
 * Writes what is only in memory when the process has nothing else to do, and again at its very end,
 * which `process.exit()` reaches too; a signal reaches neither. Returns how to take it back.
 */
export function writeOnExit(write: () => void): () => void {
  if (writes.size === 0) {
    // One listener for all: Node warns of a leak from the eleventh on.
    process.on('beforeExit', writeAll)
    process.on('exit', writeAll)
  }
  writes.add(write)
  return () => {
    writes.delete(write)
    if (writes.size > 0) return
    process.off('beforeExit', writeAll)
    process.off('exit', writeAll)
  }
}

function writeAll(): void {
  for (const write of writes) write()
}
