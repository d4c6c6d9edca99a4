/**
 * Goes over all records, in the order in which they came, and sees to it that each is charged: it is a
 * sink named `credits` to the outbox, in the mode `books`, so that late commits, leases, pruning and
 * copies are what they are for any sink. Its state with a record says to all who deliver whether a
 * sink that bills may have it (`core/src/delivery/covered.ts`):
 *
 *     claimed ── a prepaid account pays for it ──────────> covered
 *             ├─ no account does, or one that is billed ──> delivered
 *             ├─ one that is billed, and a sink bills tokens ──> again later
 *             ├─ nobody knows its price ──────────────────> again later
 *             └─ it could not be charged ─────────────────> again later
 *
 * It begins when an account is first made: what came before is no matter of credit. Any number of
 * processes may run it. A record that was charged with its append is only looked at.
 */
import type { CostCalculator } from '@token-meter/core/cost'
import {
  type Batch,
  type KnownSink,
  type Outbox,
  OutboxError,
  reviewCode,
  type UsageRecord,
} from '@token-meter/core/outbox'
import { isBusy, whenFree } from '../busy.ts'
import type { Books } from '../books/books.ts'
import type { Act } from '../books/operations.ts'
import type { CollectStore } from './collect-store.ts'
import { resultOf } from './cursor-results.ts'
import { keysOf, type LateRecord, type Paid, payLate } from './late-charges.ts'
import { tokenSinks, tokenSinksFault } from './token-sinks.ts'

/** By what name the outbox knows it. */
export const creditsSink = 'credits'

const limit = 100
/** How long what a process had claimed that is gone waits, in ms: charging is idempotent, so that it can be short. */
const leaseMs = 10_000
/** How often it looks for what other processes kept, in ms. */
const pollMs = 1000
/** How often it says that it is there, in ms. */
const attendEveryMs = 5000
/** How long the store may be busy, in ms, before it is tried again at the next look. */
const busyMs = 20
/** How long the same failure is not told again, in ms. */
const silentMs = 60 * 60_000

export interface CursorOptions {
  readonly outbox: Outbox
  readonly books: Books
  readonly store: CollectStore
  readonly cost: CostCalculator | undefined
  readonly act: () => Act
  readonly report: (error: OutboxError) => void
  /** How long a write waits for another process that has the store, in ms. */
  readonly busyMs: number
  /** Whether it may go on by itself. */
  readonly hasBackground: boolean
}

export class CreditCursor {
  readonly #options: CursorOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #running: Promise<void> | undefined
  #runAgain = false
  #isClosed = false
  #ready: Promise<void> | undefined
  #isReady = false
  #known: readonly KnownSink[] = []
  #attendedAt = Number.NEGATIVE_INFINITY
  readonly #toldAt = new Map<string, number>()

  constructor(options: CursorOptions) {
    this.#options = options
    this.#schedule(0)
  }

  /** There is something new to charge. */
  readonly wake = (): void => this.#schedule(0)

  /** Another store has taken the place of the one that was there. */
  readonly opened = (): void => {
    this.#isReady = false
    this.#ready = undefined
    this.#attendedAt = Number.NEGATIVE_INFINITY
  }

  readonly close = (): void => {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /**
   * Before an account is made: from now on the outbox knows that books are kept, and no sink that
   * bills gets what they have not seen. Nothing where that is so already.
   */
  ready(): Promise<void> | undefined {
    if (this.#isReady) return undefined
    // Another process that has the store is waited for, as by any write of the books.
    const patience = { pauseMs: busyMs, atMostMs: this.#options.busyMs }
    return (this.#ready ??= whenFree(() => this.#begin(), patience).catch((cause: unknown) => {
      this.#ready = undefined
      throw cause
    }))
  }

  /**
   * Charges what was kept before.
   * @returns false where some of it is not charged by then.
   */
  async flush(timeoutMs: number): Promise<boolean> {
    const { outbox } = this.#options
    const until = performance.now() + timeoutMs
    const position = await outbox.position()
    for (;;) {
      await this.#run()
      const isKnown = this.#books() !== undefined
      if (!isKnown || (await outbox.isSettled(creditsSink, position))) return true
      const leftMs = until - performance.now()
      if (leftMs <= 0) return false
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, busyMs)))
      await outbox.expedite(creditsSink)
    }
  }

  #schedule(inMs: number): void {
    if (this.#isClosed || !this.#options.hasBackground) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#run(), inMs)
    ;(this.#timer as Partial<NodeJS.Timeout>).unref?.()
  }

  #run(): Promise<void> {
    this.#runAgain = true
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #runAll(): Promise<void> {
    let nextMs = pollMs
    try {
      while (this.#runAgain && !this.#isClosed) {
        this.#runAgain = false
        if (!(await this.#attend())) break
        while (!this.#isClosed && (await this.#chargeBatch()));
        if (this.#runAgain || this.#isClosed) continue
        const dueAt = await this.#options.outbox.nextDueAt(creditsSink)
        if (dueAt !== undefined) nextMs = Math.min(nextMs, Math.max(busyMs, dueAt - Date.now()))
      }
    } catch (cause) {
      if (isBusy(cause)) nextMs = busyMs
      else this.#tell('the books of credits could not be kept up with the records', cause)
    }
    this.#schedule(nextMs)
  }

  async #begin(): Promise<void> {
    const { outbox, store } = this.#options
    await this.#look()
    if (this.#books() === undefined) {
      // From the next record on: earlier ones were used before there was credit.
      await outbox.registerSink(creditsSink, { sinceMs: Infinity })
    }
    await outbox.attend(creditsSink, 'books')
    await store.haltIfRestored()
    this.#isReady = true
    this.#attendedAt = Number.NEGATIVE_INFINITY
    this.#schedule(0)
  }

  async #look(): Promise<void> {
    this.#known = await this.#options.outbox.sinks()
  }

  #books(): KnownSink | undefined {
    return this.#known.find(({ name }) => name === creditsSink)
  }

  /** False where nobody keeps books in this outbox yet, or any more. */
  async #attend(): Promise<boolean> {
    const { outbox, store } = this.#options
    await this.#look()
    if (this.#books() === undefined) {
      // Whoever makes an account begins again.
      this.opened()
      return false
    }
    if (performance.now() - this.#attendedAt < attendEveryMs) return true
    await outbox.attend(creditsSink, 'books')
    await store.haltIfRestored()
    // A process that ended between the two steps of a review has left it dead.
    const dead = await outbox.deadLetters(creditsSink, limit)
    const left = dead.flatMap(({ code, record }) => (code === reviewCode ? [record.id] : []))
    if (left.length > 0) await outbox.requeue(creditsSink, left)
    this.#attendedAt = performance.now()
    return true
  }

  /** False where nothing waits. */
  async #chargeBatch(): Promise<boolean> {
    const { outbox } = this.#options
    const isLive = this.#known.some(({ mode }) => mode === 'live')
    const claimedAt = performance.now()
    const batch = await outbox.claim(creditsSink, { limit, leaseMs, isLive })
    if (batch === undefined) return false
    const records = await this.#lateRecords(batch)
    const paid = await this.#payAll(records)
    const results = batch.entries.map(({ attempts }, index) =>
      resultOf(paid[index] ?? 'failed', attempts),
    )
    const unpriced = batch.entries.filter((_, index) => paid[index] === 'unpriced')
    const [first] = unpriced
    if (first !== undefined) {
      const { model } = first.record
      this.#tell(
        `${unpriced.length} record(s) are not charged to credit yet, because nobody knows a price of ${model}: ` +
          'give createCredits() the cost calculator of the meter, with a price for it',
        undefined,
      )
    }
    const wrong = paid.filter((one) => one === 'tokens').length
    if (wrong > 0) {
      this.#tell(
        `${wrong} record(s) of accounts with collect: 'mirror' are not billed yet: ${tokenSinksFault(tokenSinks(this.#known))}`,
        undefined,
      )
    }
    const atMostMs = leaseMs - (performance.now() - claimedAt)
    await whenFree(() => outbox.settle(batch, results), { pauseMs: busyMs, atMostMs })
    return true
  }

  async #lateRecords({ entries }: Batch): Promise<readonly LateRecord[]> {
    const { outbox, store } = this.#options
    const ids = entries.map(({ record }) => record.id)
    const billing = this.#known.filter(
      ({ mode, renamedTo }) => (mode === 'live' || mode === 'test') && renamedTo === undefined,
    )
    const isLeft = billing.map(({ inUse }) => inUse === false)
    const states = await Promise.all(billing.map(({ name }) => outbox.statesOf(name, ids)))
    const charged = await store.chargedUnattributed(ids)
    return entries.map(({ record }, index) => {
      // What waits for a sink that nobody uses any more is given to nobody.
      const own = states
        .flatMap((of, sink) => (of[index] === 'pending' && isLeft[sink] ? [] : of[index]))
        .filter((state) => state !== undefined)
      const isGivenUp = own.length > 0 && own.every((state) => state === 'discarded')
      return { record, isGivenUp, chargedBefore: charged.get(record.id) ?? [] }
    })
  }

  /** All at once, or where that fails one by one: a record that cannot be charged delays no other. */
  async #payAll(records: readonly LateRecord[]): Promise<readonly (Paid | 'failed')[]> {
    try {
      return await this.#pay(records)
    } catch (cause) {
      if (isBusy(cause)) throw cause
      if (records.length === 1) {
        this.#tell('a record could not be charged to credit', cause, [])
        return ['failed']
      }
    }
    const all: (Paid | 'failed')[] = []
    for (const record of records) all.push(...(await this.#payAll([record])))
    return all
  }

  async #pay(records: readonly LateRecord[]): Promise<readonly Paid[]> {
    const { books, cost, act } = this.#options
    const billsTokens = tokenSinks(this.#known).length > 0
    const hint = {
      customers: [...new Set(records.flatMap(({ record }) => record.customer ?? []))],
      keys: records.flatMap(({ record }) => keysOf(record.id)),
    }
    return await books.write(
      (rows) => records.map((record) => payLate(rows, record, { cost, act: act(), billsTokens })),
      hint,
    )
  }

  #tell(what: string, cause: unknown, records?: readonly UsageRecord[]): void {
    if (this.#isClosed) return
    const now = performance.now()
    if (now - (this.#toldAt.get(what) ?? Number.NEGATIVE_INFINITY) < silentMs) return
    if (this.#toldAt.size > limit) this.#toldAt.clear()
    this.#toldAt.set(what, now)
    this.#options.report(new OutboxError(what, { cause, ...(records && { records }) }))
  }
}
