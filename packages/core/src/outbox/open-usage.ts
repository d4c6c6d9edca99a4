/**
 * Usage of answers that are still under way, kept so that a process which is killed loses none of it. It is
 * no record yet: nobody counts it, finds it or delivers it. The states of an id:
 *
 *     open ──open──> open: as it is by now, in place of what was kept before
 *          ├─append──> a record: with it what was open is gone, in one transaction
 *          ├─named in `ends`──> gone: it came to nothing, or to a record of another id
 *          └─whoever opened it is gone──> a record, as it was kept last, with its holds: made by the next
 *                                         process that uses the store, or by the outbox that is closed
 *
 * Whether the owner is gone the machine says where it is the same one, and else a sign of life that is too old.
 * Where two make a record of it, or its owner was not gone after all, the id is taken, and the first stands.
 */
import { OutboxError } from '../errors/errors.ts'
import { isBusy } from './busy.ts'
import { toBody } from './record-body.ts'
import type { Awaitable } from '../lib/promises.ts'
import type { UsageRecord } from '../usage/usage-record.ts'
import type { AppendOptions } from './companion.ts'

/** Usage that is open, as it is kept. */
export interface OpenRow {
  readonly id: string
  readonly body: string
  readonly holdIds: readonly string[]
}

/** Where open usage is kept. */
export interface OpenUsageStore {
  /**
   * Keeps rows in place of those of the same ids, and forgets others; in one write. Says that the owner is alive.
   * @throws an error with `busy: true` where the same can be done in a moment.
   */
  keep(rows: readonly OpenRow[], ended: readonly string[]): Awaitable<void>
}

/** How long what is opened waits for more, in ms: a thousand streams are some writes a second. */
const gatherMs = 20
/** How soon a store that is busy is tried again, in ms. */
const againMs = 500
/** How often an owner with open usage says that it is alive, in ms. */
const beatMs = 30_000
/** An owner of another machine that was not heard of for so long is gone, in ms. */
export const openLeaseMs = 3 * 60_000

/** What one outbox has open: gathered, and written one write at a time. */
export class OpenUsage {
  readonly #store: OpenUsageStore
  /** What is to be written, by id. */
  readonly #waiting = new Map<string, OpenRow>()
  /** What has ended without a record, or while it was being written. */
  readonly #ended = new Set<string>()
  /** All that is open here. */
  readonly #open = new Set<string>()
  #underWay: ReadonlySet<string> = new Set()
  #waiters: Waiter[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #dueInMs = 0
  #isWriting = false
  #isClosed = false

  constructor(store: OpenUsageStore) {
    this.#store = store
  }

  /** Anything is open here. */
  get isAny(): boolean {
    return this.#open.size > 0
  }

  /** As `Outbox.open`. Resolves when it is kept, with others that come in the same moment. */
  open(
    records: readonly UsageRecord[],
    { holdIds = [], ends = [] }: AppendOptions = {},
  ): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(new OutboxError('Usage was opened in an outbox that is closed.'))
    }
    for (const id of this.ending(ends)) this.#ended.add(id)
    for (const record of records) {
      const { id } = record
      this.#ended.delete(id)
      this.#open.add(id)
      this.#waiting.set(id, { id, body: toBody(record), holdIds })
    }
    if (this.#waiting.size + this.#ended.size === 0) return Promise.resolve()
    this.#later(gatherMs)
    return new Promise((kept, failed) => void this.#waiters.push({ kept, failed }))
  }

  /** Which of these ids are open: from now on they are not, and whoever asks ends them. */
  ending(ids: readonly string[]): readonly string[] {
    if (this.#open.size === 0) return none
    const ending = ids.filter((id) => this.#open.delete(id))
    for (const id of ending) {
      this.#waiting.delete(id)
      // It may be written behind whoever ends it.
      if (this.#underWay.has(id)) this.#ended.add(id)
    }
    return ending
  }

  /** Writes what waits. */
  flush(): Awaitable<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#isWriting) return
    const rows = [...this.#waiting.values()]
    const ended = [...this.#ended]
    const waiters = this.#waiters
    this.#waiters = []
    this.#waiting.clear()
    this.#ended.clear()
    this.#underWay = new Set(rows.map(({ id }) => id))
    const kept = (): void => {
      this.#over()
      for (const waiter of waiters) waiter.kept()
    }
    const failed = (cause: unknown): void => {
      for (const id of ended) this.#ended.add(id)
      const isPassing = isBusy(cause) && !this.#isClosed
      if (isPassing) {
        for (const row of rows) {
          if (this.#open.has(row.id) && !this.#waiting.has(row.id)) this.#waiting.set(row.id, row)
        }
        this.#waiters.unshift(...waiters)
      }
      this.#over(againMs)
      if (!isPassing) for (const waiter of waiters) waiter.failed(cause)
    }
    this.#isWriting = true
    try {
      const keeping = this.#store.keep(rows, ended)
      if (keeping instanceof Promise) return keeping.then(kept, failed)
      kept()
    } catch (cause) {
      failed(cause)
    }
  }

  /** Nothing is opened any more. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const waiter of this.#waiters.splice(0)) waiter.kept()
  }

  #over(againMs = gatherMs): void {
    this.#isWriting = false
    this.#underWay = new Set()
    const isLeft = this.#waiting.size + this.#ended.size > 0
    if (this.#isClosed) return
    if (isLeft) this.#later(againMs)
    else if (this.#open.size > 0) this.#later(beatMs)
  }

  #later(inMs: number): void {
    if (this.#isWriting) return
    if (this.#timer !== undefined && inMs >= this.#dueInMs) return
    clearTimeout(this.#timer)
    this.#dueInMs = inMs
    this.#timer = setTimeout(() => void this.flush(), inMs)
    // Whoever has opened something may wait for it, which lasts some moments.
    if (inMs > gatherMs) (this.#timer as Partial<NodeJS.Timeout>).unref?.()
  }
}

const none: readonly string[] = []

/** Who waits for a write. */
interface Waiter {
  kept(): void
  failed(cause: unknown): void
}
