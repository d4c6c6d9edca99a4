/**
 * What a guard does with its holds in the background: those of calls that are under way stand for longer,
 * all by one timer and one write, and what could not be written is tried again.
 */
import type { Books } from '../books/books.ts'
import { renew } from '../books/holds.ts'
import type { Act } from '../books/operations.ts'
import type { BookRows } from '../books/rows.ts'
import { CreditsUnavailableError } from '../errors.ts'
import type { CreditEmitter } from '../events.ts'

/** Holds of one call. */
export interface LiveHolds {
  readonly holdIds: readonly string[]
  leaseUntil: number
}

interface Ending {
  readonly ids: readonly string[]
  readonly work: (rows: BookRows, act: Act) => void
  readonly what: string
  readonly until: number
  readonly done: () => void
}

export class Leases {
  readonly #books: Books
  readonly #events: CreditEmitter
  readonly #now: () => number
  readonly #leaseMs: number
  readonly #live = new Set<LiveHolds>()
  /** What could not be written yet. */
  readonly #endings = new Set<Ending>()
  /** First tries under way, which never reject. */
  readonly #writing = new Set<Promise<void>>()
  #timer: ReturnType<typeof setInterval> | undefined
  #isRenewing = false

  constructor(options: {
    readonly books: Books
    readonly events: CreditEmitter
    readonly now: () => number
    readonly leaseMs: number
  }) {
    this.#books = options.books
    this.#events = options.events
    this.#now = options.now
    this.#leaseMs = options.leaseMs
  }

  add(holds: LiveHolds): void {
    this.#live.add(holds)
    this.#start()
  }

  /** Nothing is renewed any more. */
  remove(holds: LiveHolds): void {
    this.#live.delete(holds)
  }

  /**
   * Writes what becomes of holds, in the background. What fails is told, and tried again until their
   * lease is over.
   * @param what for people: `given back`.
   * @param done called when it is written, or given up.
   */
  end(
    ids: readonly string[],
    work: Ending['work'],
    what: string,
    done: () => void = () => {},
  ): void {
    const ending = { ids, work, what, until: this.#now() + this.#leaseMs, done }
    // What is looked for by its job's name is there once that is written.
    const before = ids.length === 0 ? [...this.#writing] : []
    const writing =
      before.length === 0
        ? this.#write(ending)
        : Promise.all(before).then(() => this.#write(ending))
    this.#writing.add(writing)
    void writing.finally(() => this.#writing.delete(writing))
  }

  async #write(ending: Ending): Promise<void> {
    const { ids, work, what, until, done } = ending
    const act = { actor: 'guard', at: this.#now() }
    try {
      await this.#books.write((rows) => work(rows, act), { holds: ids })
      this.#endings.delete(ending)
      done()
    } catch (cause) {
      const isOver = this.#now() > until
      if (isOver) {
        this.#endings.delete(ending)
        done()
      } else {
        this.#endings.add(ending)
        this.#start()
      }
      const then = isOver ? 'its lease ends it' : 'it is tried again'
      this.#events.fault(
        new CreditsUnavailableError(`a hold could not be ${what}: ${then}`, { cause }),
      )
    }
  }

  #start(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#tick(), Math.max(1, Math.floor(this.#leaseMs / 3)))
    // A number where there is no Node.
    ;(this.#timer as Partial<NodeJS.Timeout>).unref?.()
  }

  async #tick(): Promise<void> {
    if (this.#live.size === 0 && this.#endings.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    for (const ending of this.#endings) {
      this.#endings.delete(ending)
      void this.#write(ending)
    }
    const until = this.#now() + this.#leaseMs
    const short = [...this.#live].filter(({ leaseUntil }) => leaseUntil < until - this.#leaseMs / 4)
    // A database that is slow is not asked again before it has answered: it would only be slower.
    if (short.length === 0 || this.#isRenewing) return
    this.#isRenewing = true
    const ids = short.flatMap(({ holdIds }) => holdIds)
    try {
      await this.#books.write((rows) => renew(rows, ids, until))
      for (const holds of short) holds.leaseUntil = until
    } catch (cause) {
      const told = `the holds of ${short.length} call(s) under way could not be renewed: it is tried again`
      this.#events.fault(new CreditsUnavailableError(told, { cause }))
    } finally {
      this.#isRenewing = false
    }
  }
}
