/**
 * Brings the records of one sink from the outbox to the backend. One loop:
 *
 *     idle ──wake, timer──> claiming ──batch──> sending ──> settling ──> claiming
 *       ▲                      │                                │
 *       ├──nothing is due──────┘                                │
 *       └──── paused ◄──── nothing was accepted, twice or more ─┘
 *
 * - idle: a timer runs until the next record is due; `wake` ends the idling early. A sink that
 *   lingers is left idle until enough records wait for it, or one has waited for long enough. One
 *   that has not arrived (sink-arrival.ts) claims nothing.
 * - sending: up to `maxConcurrentBatches` batches at a time, each claimed under a lease.
 * - settling: results go to the outbox; what is to be retried waits there, not here.
 * - paused: the backend asked for a pause, or batch after batch failed as a whole: nothing is
 *   claimed until it is over, so that an outage does not churn through the backlog. One batch that
 *   fails alone, however often, does not pause, so a poison record holds up no other.
 *
 * No timer here keeps the process alive.
 */
import type { Batch, BatchEntry } from '../sink/batch.ts'
import type { Outbox, SinkStats } from '../outbox/outbox.ts'
import { reportsProgress } from '../sink/send-progress.ts'
import type { Sink, SinkResult } from '../sink/sink.ts'
import { Timer, settledWithin, withTimeoutSignal, yieldToEventLoop } from '../lib/timing.ts'
import { attempt } from './attempt.ts'
import { type Backoff, backoffMs } from './backoff.ts'
import { BatchProgress } from './batch-progress.ts'
import { type DeliveryReport, tellResults } from './delivery-events.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import { BusyTime, busyPauseMs, isBusy } from '../outbox/busy.ts'
import { LeaseTime } from './lease-time.ts'
import { Outage, type SinkFailure } from './outage.ts'
import { PauseAfterFailure } from './pause-after-failure.ts'
import type { SinkArrival } from './sink-arrival.ts'
import { settleWhenFree } from '../outbox/settle-when-free.ts'
import { WallClock } from '../lib/clock.ts'

/** How long a closing delivery waits for sends that it has aborted, in ms. */
const stopGraceMs = 1000

export class Delivery {
  readonly sink: Sink
  /** Why the last batch was not accepted whole; `undefined` when it was. */
  lastReason: string | undefined
  readonly #outbox: Outbox
  readonly #options: DeliveryOptions
  readonly #report: DeliveryReport
  readonly #timer: Timer
  readonly #stop = new AbortController()
  readonly #sending = new Set<Promise<void>>()
  #claiming: Promise<void> | undefined
  readonly #busy = new BusyTime()
  readonly #pause: PauseAfterFailure
  readonly #outage = new Outage((failure) => void this.#tellOutage(failure))
  #wakeAgain = false
  /** What waits for company is claimed all the same, until nothing waits. */
  #isHurried = false
  /** Records of this process since the last claim. */
  #woken = 0
  readonly #clock = new WallClock()
  readonly #tell: (entries: readonly BatchEntry[], results: readonly SinkResult[]) => void
  readonly arrival: SinkArrival

  constructor(
    sink: Sink,
    outbox: Outbox,
    options: DeliveryOptions,
    report: DeliveryReport,
    arrival: SinkArrival,
  ) {
    this.sink = sink
    this.arrival = arrival
    this.#outbox = outbox
    this.#options = options
    this.#report = report
    this.#tell = (entries, results) => tellResults(report, sink.name, entries, results)
    this.#pause = new PauseAfterFailure(options.backoff)
    this.#timer = new Timer(() => this.#pump())
  }

  /** Why its backend takes nothing now; `undefined` when it does. */
  get failing(): SinkFailure | undefined {
    return this.#outage.failure
  }

  /** There may be something to deliver: look soon, so that what comes together goes together. */
  wake(id?: string): void {
    if (this.#stop.signal.aborted) return
    this.arrival.recorded(id)
    const { lingerMs } = this.#options
    const isFull = ++this.#woken >= this.#maxBatch
    this.#timer.scheduleWithin(isFull ? lingerMs : Math.max(lingerMs, this.#lingerMs))
  }

  /**
   * Look now, at retries too that wait for their turn. A pause the backend asked for still holds.
   * False: the outbox is busy, try again.
   */
  async hurry(): Promise<boolean> {
    try {
      await this.#outbox.expedite(this.sink.name)
    } catch (cause) {
      if (isBusy(cause)) return false
      throw cause
    }
    this.#pause.hurry()
    this.#isHurried = true
    this.#pump()
    return true
  }

  /** Resolves when something has been settled, or after `atMostMs`. */
  async progress(atMostMs: number): Promise<void> {
    this.#pump()
    const sending = [...this.#sending]
    await settledWithin(
      atMostMs,
      sending.length > 0 ? Promise.race(sending) : new Promise(() => {}),
    )
  }

  /** Claims nothing more, aborts what is under way, and resolves when all is still, or soon. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the meter was closed'))
    this.#timer.clear()
    this.#outage.over()
    // An outbox or a sink that hangs must not keep the application from ending.
    await this.rest(stopGraceMs)
    await this.arrival.leave()
    try {
      await this.sink.close?.()
    } catch (cause) {
      this.#report.fault(this.sink.name, 'the sink could not be closed', cause)
    }
  }

  /** Resolves when no batch is under way, or after `atMostMs`. */
  async rest(atMostMs: number): Promise<void> {
    const deadline = performance.now() + atMostMs
    while (this.#claiming !== undefined || this.#sending.size > 0) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return
      await settledWithin(leftMs, Promise.all([this.#claiming, ...this.#sending]))
    }
  }

  #pump(): void {
    this.#wakeAgain = true
    if (this.#claiming !== undefined || this.#stop.signal.aborted) return
    this.#claiming = this.#claimAll().finally(() => {
      this.#claiming = undefined
      if (this.#wakeAgain && this.#sending.size < this.#maxConcurrent) this.#pump()
    })
  }

  get #maxConcurrent(): number {
    return this.sink.maxConcurrentBatches ?? 1
  }

  get #maxBatch(): number {
    return this.sink.maxBatch ?? 100
  }

  /** How long the sink itself wants records to wait. */
  get #lingerMs(): number {
    return this.sink.lingerMs ?? 0
  }

  async #claimAll(): Promise<void> {
    this.#wakeAgain = false
    const { leaseMs } = this.#options
    const isLive = this.arrival.mode === 'live'
    try {
      if (!(await this.arrival.arrive())) return this.#timer.scheduleWithin(this.#options.pollMs)
      while (this.#sending.size < this.#maxConcurrent && !this.#stop.signal.aborted) {
        const pauseMs = this.#pause.leftMs()
        if (pauseMs > 0) return this.#timer.scheduleWithin(pauseMs)
        const { name } = this.sink
        // The times of retries are times of the day; a clock set back would stretch every wait.
        if (this.#clock.wasSetBack()) await this.#outbox.expedite(name)
        const isHurried = this.#isHurried
        const lingerMs = isHurried ? 0 : this.#lingerMs
        this.#woken = 0
        const size = this.#maxBatch
        const isMarked = reportsProgress(this.sink)
        const lease = new LeaseTime(leaseMs)
        const batch = await this.#outbox.claim(name, {
          limit: size,
          leaseMs,
          lingerMs,
          isMarked,
          isLive,
        })
        this.#busy.over()
        if (batch === undefined) {
          if (isHurried) this.#isHurried = false
          return await this.#idle()
        }
        const sending = this.#deliver(batch, lease)
          .then(yieldToEventLoop)
          .finally(() => {
            this.#sending.delete(sending)
            this.#pump()
          })
        this.#sending.add(sending)
      }
    } catch (cause) {
      if (this.#busy.isWorthReporting(cause)) {
        this.#report.fault(this.sink.name, 'the outbox could not be read', cause)
      }
      this.#timer.scheduleWithin(isBusy(cause) ? busyPauseMs() : this.#options.backoff.maxMs)
    }
  }

  async #idle(): Promise<void> {
    await this.arrival.look()
    const dueAt = await this.#outbox.nextDueAt(this.sink.name)
    const { pollMs } = this.#options
    const waitMs = dueAt === undefined ? pollMs : Math.max(0, dueAt - Date.now())
    // What is due and was not given out waits for company.
    this.#timer.scheduleWithin(Math.min(pollMs, waitMs === 0 ? this.#lingerMs : waitMs))
  }

  async #deliver(batch: Batch, lease: LeaseTime): Promise<void> {
    const { backoff, leaseMs, sendTimeoutMs } = this.#options
    const startedAt = Date.now()
    const work = async (signal: AbortSignal) => {
      const ended = this.#tell
      const options = { outbox: this.#outbox, batch, lease, signal, ended }
      const progress = new BatchProgress(this.sink, options)
      const answers = await attempt(this.sink, batch, { backoff, progress, signal })
      await progress.close()
      return { answers, progress }
    }
    const { answers, progress } = await withTimeoutSignal(sendTimeoutMs, this.#stop.signal, work)
    const results = answers.map((result, index) =>
      withRetryTime(result, batch.entries[index], backoff),
    )
    this.lastReason = results.find((result) => result.status === 'retry')?.reason
    this.#pause.note(batch.id, answers)
    if (!this.#stop.signal.aborted) this.#outage.note(batch, answers, startedAt)
    const isLeft = batch.entries.map(({ record }) => !progress.isWritten(record.id))
    const entries = batch.entries.filter((_, index) => isLeft[index])
    if (entries.length === 0) return
    try {
      const settling = { atMostMs: leaseMs - sendTimeoutMs, signal: this.#stop.signal }
      const left = results.filter((_, index) => isLeft[index])
      if (await settleWhenFree(this.#outbox, { ...batch, entries }, left, settling)) {
        this.#tell(entries, left)
      }
    } catch (cause) {
      this.#report.fault(this.sink.name, 'results could not be written to the outbox', cause)
    }
  }

  async #tellOutage(failure: SinkFailure): Promise<void> {
    const { name } = this.sink
    let stats: SinkStats | undefined
    try {
      stats = await this.#outbox.stats(name)
    } catch {
      // What is known is told all the same.
    }
    this.#report.failing(name, failure, stats)
  }
}

function withRetryTime(
  result: SinkResult,
  entry: BatchEntry | undefined,
  backoff: Backoff,
): SinkResult {
  if (result.status !== 'retry') return result
  const own = backoffMs(entry?.attempts ?? 0, backoff)
  return { ...result, afterMs: Math.max(result.afterMs ?? 0, own) }
}
