import { type Faults, type OutboxError, fromBody, settledWithin } from '@token-meter/core/outbox'
import type { UsageRecord } from '@token-meter/core/wire'
import type { RecordRow } from '../append/append.ts'
import { SpoolFile, rowsOf } from './spool-file.ts'
import type { SpoolFolder } from './spool-folder.ts'
import { SpoolReport } from './spool-report.ts'

export interface SpoolStore {
  /** Stores rows, all or none; those that are there already are left out. */
  store(rows: readonly RecordRow[]): Promise<void>
  isPassing(cause: unknown): boolean
  isAboutTheValues(cause: unknown): boolean
  /** A failure as an error that says what to do. */
  explain(cause: unknown, records?: readonly UsageRecord[]): OutboxError
}

/** How soon a database that is away is tried again, in ms: doubled each time. */
const firstPauseMs = 100
const maxPauseMs = 2_000
/** The same where a failure does not pass by itself, such as a wrong password. */
const maxPatienceMs = 30_000
/** How often the files of processes that are gone are looked for, and own ones renewed, in ms. */
const pollMs = 5_000
/** How old a file of another database is that somebody should know of, in ms. */
const strangeMs = 60 * 60_000
/** How long the last try of `close` may take, in ms. */
const lastTryMs = 500

/**
 * Usage that the database does not have yet, on the disk of this process. It outlives the process,
 * however that ends: what was written is in the system's cache at least. What is written is drained
 * into the database as soon as that answers, and so is what processes that are gone have left behind.
 * To drain something twice does no harm, because the database leaves out what it has.
 */
export class Spool {
  readonly #folder: SpoolFolder
  readonly #store: SpoolStore
  readonly #report: SpoolReport
  /** What is being written to. */
  #file: SpoolFile | undefined
  /** What only has to be drained. */
  readonly #rest: SpoolFile[] = []
  #begun: Promise<void> | undefined
  #isClosed = false
  #polling: ReturnType<typeof setInterval> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #draining: Promise<void> | undefined
  #pauseMs = 0
  #waiters: (() => void)[] = []

  constructor(folder: SpoolFolder, store: SpoolStore, faults: Faults) {
    this.#folder = folder
    this.#store = store
    this.#report = new SpoolReport(folder.path, faults)
  }

  /**
   * Looks for what processes that are gone have left, now and from time to time. Resolves when the
   * database was asked to take it, whatever it answered.
   */
  begin(): Promise<void> {
    return (this.#begun ??= this.#begin())
  }

  async #begin(): Promise<void> {
    if (this.#isClosed) return
    this.#polling = setInterval(() => this.#poll(), pollMs)
    this.#polling.unref()
    this.#report.strangers(this.#folder.strangers(strangeMs))
    this.#poll()
    await this.#draining
  }

  /** False when they could not be written, which was told. Otherwise they are safe. */
  keep(rows: readonly RecordRow[]): boolean {
    try {
      this.#file ??= SpoolFile.create(this.#folder)
      if (!this.#file.write(rows)) {
        this.#leaveFile()
        this.#file = SpoolFile.create(this.#folder)
        if (!this.#file.write(rows)) throw new Error('it is being removed')
      }
    } catch (cause) {
      this.#leaveFile()
      this.#report.unwritable(cause)
      return false
    }
    this.#drainSoon(firstPauseMs)
    return true
  }

  /** Resolves when the database has all that is here by now, and in files of processes that are gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve()
      // Where one is under way it may have passed by already: the next is for this.
      this.#waiters.push(resolve)
      this.#drain()
    })
  }

  /** Resolves when the database was asked to take what this process has here, whatever it answered. */
  async tried(): Promise<void> {
    if (this.waiting === 0) return
    await this.#draining
    this.#drain()
    await this.#draining
  }

  /** Records of this process that wait here. */
  get waiting(): number {
    return [this.#file, ...this.#rest].reduce((sum, file) => sum + (file?.waiting ?? 0), 0)
  }

  /** All records that wait on this disk, of any process; the database may have some of them. */
  async rows(): Promise<readonly RecordRow[]> {
    for (let times = 3; ; times--) {
      const rows = new Map<string, RecordRow>()
      try {
        for (const name of this.#folder.files()) {
          for await (const row of rowsOf(this.#folder.pathOf(name))) rows.set(row.id, row)
        }
        return [...rows.values()]
      } catch (cause) {
        // One was drained or taken over in the meantime.
        if (times === 0 || (cause as { code?: unknown }).code !== 'ENOENT') throw cause
      }
    }
  }

  /** Drains what it can in a moment, and leaves the rest to any other process. */
  async close(): Promise<void> {
    if (this.waiting > 0) await settledWithin(lastTryMs, this.drained())
    this.#isClosed = true
    clearInterval(this.#polling)
    clearTimeout(this.#timer)
    for (const file of [this.#file, ...this.#rest.splice(0)]) file?.release()
    this.#file = undefined
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  /** Nothing may follow what was perhaps written in part, or was taken over. */
  #leaveFile(): void {
    if (this.#file?.isDrained === true) this.#file.remove()
    else if (this.#file !== undefined) this.#rest.push(this.#file)
    this.#file = undefined
  }

  #poll(): void {
    for (const file of [this.#file, ...this.#rest]) file?.renew()
    if (this.#timer === undefined) this.#drain()
  }

  #drainSoon(ms: number): void {
    if (this.#timer !== undefined || this.#draining !== undefined || this.#isClosed) return
    this.#timer = setTimeout(() => this.#drain(), ms)
    this.#timer.unref()
  }

  #drain(): void {
    if (this.#draining !== undefined || this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waiters = this.#waiters.splice(0)
    this.#draining = this.#drainAll()
      .then(
        () => {
          this.#pauseMs = 0
          this.#report.back()
          for (const resolve of waiters) resolve()
        },
        (cause: unknown) => {
          this.#waiters.push(...waiters)
          const passes = this.#store.isPassing(cause)
          this.#report.away(this.#store.explain(cause), passes, this.waiting)
          const longest = passes ? maxPauseMs : maxPatienceMs
          this.#pauseMs = Math.min(longest, Math.max(firstPauseMs, this.#pauseMs * 2))
        },
      )
      .finally(() => {
        this.#draining = undefined
        const isLeft = this.#file !== undefined || this.#rest.length > 0
        if (this.#pauseMs === 0 && this.#waiters.length > 0) return this.#drain()
        if (!isLeft && this.#waiters.length === 0) return
        this.#drainSoon((this.#pauseMs || firstPauseMs) * (0.5 + Math.random() / 2))
      })
  }

  async #drainAll(): Promise<void> {
    for (const name of this.#folder.abandoned()) {
      const file = SpoolFile.take(this.#folder, name)
      if (file !== undefined) this.#rest.push(file)
    }
    for (;;) {
      const file = this.#rest[0] ?? this.#file
      if (file === undefined) return
      for (let chunk = await file.next(); chunk !== undefined; chunk = await file.next()) {
        if (this.#isClosed) return
        await this.#storeRows(chunk.rows)
        if (this.#isClosed) return
        file.pass(chunk)
      }
      // Nothing is written between the last look and the removal.
      const place = this.#rest.indexOf(file)
      if (place >= 0) this.#rest.splice(place, 1)
      else this.#file = undefined
      const damaged = file.remove()
      if (damaged !== undefined) this.#report.damaged(damaged)
    }
  }

  /** @throws what is not about single rows. */
  async #storeRows(rows: readonly RecordRow[]): Promise<void> {
    if (rows.length === 0) return
    try {
      await this.#store.store(rows)
    } catch (cause) {
      if (!this.#store.isAboutTheValues(cause)) throw cause
      if (rows.length > 1) {
        for (const row of rows) await this.#storeRows([row])
        return
      }
      this.#report.tell(
        this.#store.explain(
          cause,
          rows.map(({ body }) => fromBody(body, null)),
        ),
      )
    }
  }
}
